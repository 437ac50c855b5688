// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/window_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cloudmon::remote_write {

Result<Window> WindowReader::Read(std::int64_t start_seconds, std::int64_t end_seconds) {
  while (true) {
    const std::int64_t left = (end_seconds - start_seconds) / interval_seconds_;
    const std::int64_t buckets = std::clamp<std::int64_t>(left, 1, buckets_);
    const std::size_t max_points = buckets == 1 ? SIZE_MAX : window_points_;
    auto window = ReadAll(start_seconds, start_seconds + buckets * interval_seconds_, max_points);
    if (window.ok() || window.error().code != ErrorCode::kLimit) {
      constexpr std::int64_t kMostBuckets = std::int64_t{1} << 24U;  // a gap may last
      buckets_ = std::min(buckets * 2, kMostBuckets);
      return window;
    }
    buckets_ = buckets / 2;
  }
}

Result<Window> WindowReader::ReadAll(std::int64_t start_seconds, std::int64_t end_seconds,
                                     std::size_t max_points) const {
  Window window{start_seconds, end_seconds, {}};
  std::size_t points = 0;
  for (const series::MetricKind& kind : series::kMetricKinds) {
    auto slices = store_.Select({.kind = kind.kind, .node = {}, .ns = {}, .deployment = {}, .pod = {}},
                                start_seconds - interval_seconds_, end_seconds, SentFields(), max_points - points);
    if (!slices.ok()) return slices.error();
    for (const store::SeriesSlice& slice : slices.value()) points += slice.points.size();
    std::move(slices.value().begin(), slices.value().end(), std::back_inserter(window.slices));
  }
  return window;
}

}  // namespace cloudmon::remote_write
