// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"

namespace cloudmon::config {

// Sets the fields of `options` from YAML text. Error: kInvalid, "file:line:column: what is wrong"; the fields set so
// far stay set. `file_name` is for messages only.
Status ApplyYaml(std::string_view text, const std::string& file_name, const std::vector<Option>& options);

}  // namespace cloudmon::config
