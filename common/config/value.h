// SPDX-License-Identifier: Apache-2.0
// Text to the field of an option and back. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/config/options.h"

namespace cloudmon::config {

// Sets the option's field from one text, as on the command line (a list is comma separated). Error: kInvalid, saying
// what was expected and what was given.
Status SetFromText(const Option& option, std::string_view text);

// Sets a list's field. Requires that the option is a list.
void SetList(const Option& option, std::vector<std::string> values);

[[nodiscard]] bool IsBool(const Option& option);
[[nodiscard]] bool IsList(const Option& option);

// The field's value as it would be written on the command line.
[[nodiscard]] std::string TextOf(const Option& option);

// "HOST:PORT", or the type's: "TEXT", "NUMBER", "DURATION", "LIST".
[[nodiscard]] std::string ValueNameOf(const Option& option);

}  // namespace cloudmon::config
