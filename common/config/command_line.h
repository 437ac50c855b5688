// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/setting.h"
#include "common/result.h"

namespace cloudmon::config {

struct CommandLine {
  bool help = false;
  bool version = false;
  std::vector<Setting> settings;
  std::optional<std::string> argument;
};

// Reads the arguments (without the program's name). Error: kInvalid for unknown flags, with a suggestion, flags given
// twice or without their value, and arguments that are no flags, but for one where `takes_argument`. Pure.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments, const std::vector<Option>& options,
                                     bool takes_argument);

}  // namespace cloudmon::config
