// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::config {

// "; did you mean '<name>'?" with the known name nearest to `typed`, or empty where none is near. Thread-safe.
[[nodiscard]] std::string DidYouMean(std::string_view typed, const std::vector<std::string>& known);

}  // namespace cloudmon::config
