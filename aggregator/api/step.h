// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/store.h"

namespace cloudmon::api {

// Combines buckets to groups of `step_seconds`, on multiples of it in Unix time: gauges and rates become the average
// over the buckets of the group that have them, rounded to the nearest; totals the last. A group's time is its start. A
// group without buckets does not appear. One thread at a time.
class StepCombiner {
 public:
  explicit StepCombiner(std::int64_t step_seconds) : step_seconds_(step_seconds) {}

  // Takes some members' next points. Parts of a long range are given in ascending time.
  void Add(const std::vector<store::SeriesSlice>& part);

  // Groups finished or begun so far.
  [[nodiscard]] std::size_t points() const { return points_; }

  // The combined points, ordered by member. Ends the use of the object.
  [[nodiscard]] std::vector<store::SeriesSlice> Finish();

 private:
  // Exact: 2^64 buckets of any 63-bit value.
  __extension__ using Sum = __int128;

  struct Open {
    std::int64_t time_seconds = -1;  // -1: none yet
    std::array<Sum, series::kFieldCount> sums{};
    std::array<std::int64_t, series::kFieldCount> counts{};
    series::Point last;  // totals
  };
  struct State {
    store::SeriesSlice done;
    Open open;
  };

  static series::Point Combined(const Open& open);
  void AddPoint(State& state, std::int64_t time_seconds, const series::Point& point);
  static void CloseGroup(State& state);

  std::int64_t step_seconds_;
  std::size_t points_ = 0;
  std::map<series::Member, State> states_;
};

}  // namespace cloudmon::api
