// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "aggregator/scrape/page_cache.h"
#include "aggregator/series/reading.h"

namespace cloudmon::scrape {

// Above this a value in the reading's units (bytes, microseconds) is not believed.
inline constexpr double kMaxValue = 4.6e18;  // below 2^62, so that what is computed from it fits 64 bits

// The reading of the page with number `page`, whose values are in `cache`. Gives pods their keys where they have none
// or another identity. `has_pod_series`: see HasPodSeries. Pure.
[[nodiscard]] series::TargetReading BuildReading(PageCache& cache, std::uint32_t page, bool has_pod_series);

}  // namespace cloudmon::scrape
