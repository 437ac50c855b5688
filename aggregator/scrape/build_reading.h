// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aggregator/scrape/page_cache.h"
#include "aggregator/scrape/page_values.h"
#include "aggregator/series/reading.h"

namespace cloudmon::scrape {

// Above this a value in the reading's units (bytes, microseconds) is not believed.
inline constexpr double kMaxValue = 4.6e18;  // below 2^62, so that what is computed from it fits 64 bits

// The reading of the page with these values. Gives pods of `cache` another key where they have another identity.
// `has_pod_series`: see HasPodSeries. Pure.
[[nodiscard]] series::TargetReading BuildReading(PageCache& cache, const PageValues& values, bool has_pod_series);

}  // namespace cloudmon::scrape
