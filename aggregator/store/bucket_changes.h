// SPDX-License-Identifier: Apache-2.0
// What is different between buckets before and after they were amended, by series. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::store {

struct SeriesChange {
  series::MemberPtr member;
  std::vector<std::int64_t> times_seconds;  // ascending: where its point is another, or new
  std::vector<series::Point> points;        // as many
  std::vector<std::int64_t> gone_seconds;   // ascending: where it has none any more
};

// `before` and `after` are as many, of the same ascending times. A bucket has a member once.
[[nodiscard]] std::vector<SeriesChange> ChangesOf(const std::vector<series::Bucket>& before,
                                                  const std::vector<series::Bucket>& after);

}  // namespace cloudmon::store
