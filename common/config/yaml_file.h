// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/config/setting.h"
#include "common/result.h"

namespace cloudmon::config {

// Reads the settings in a YAML text: nested maps by the dots of the names, or dotted keys as they are, or a mix. An
// empty text or map has none. `file` is its name, for messages. Error: kInvalid with file, line and column (from 1) for
// what is no YAML, unknown and repeated keys, and values of the wrong kind. Pure.
Result<std::vector<Setting>> ParseYaml(const std::string& text, const std::string& file,
                                       const std::vector<Option>& options);

}  // namespace cloudmon::config
