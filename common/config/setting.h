// SPDX-License-Identifier: Apache-2.0
// What one source (command line, file, environment) says of the options, before it is put into their fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"
#include "common/result.h"

namespace cloudmon::config {

struct Setting {
  const Option* option = nullptr;
  std::string place;               // "--scrape.interval", "aggregator.yaml:7:3: scrape.interval", "NODE_NAME"
  std::vector<std::string> texts;  // one; any number for a list
};

// Parses the texts and sets the option's field. Error: kInvalid, "<place>: expected ..., got '...'".
Status Assign(const Setting& setting);

// What is expected of a value: "a duration such as 10s".
[[nodiscard]] std::string_view Expected(const Option& option);

// The field's value as it would be written on the command line.
[[nodiscard]] std::string CurrentValue(const Option& option);

[[nodiscard]] bool IsSwitch(const Option& option);
[[nodiscard]] bool IsList(const Option& option);

}  // namespace cloudmon::config
