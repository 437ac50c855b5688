// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/api/query.h"
#include "common/result.h"

namespace cloudmon::exports {

// The parameters of an export: `window`, `start`, `end`, as the series routes read them; none means all there is.
// Error: kInvalid, as ParseSeriesQuery().
Result<api::SeriesQuery> ParseRange(const std::vector<std::pair<std::string, std::string>>& pairs,
                                    std::int64_t interval_seconds);

}  // namespace cloudmon::exports
