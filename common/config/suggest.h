// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::config {

// "; did you mean 'scrape.interval'?" for the known name that is nearest to `name`, or nothing when none is near.
[[nodiscard]] std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

}  // namespace cloudmon::config
