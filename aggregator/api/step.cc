// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/step.h"

#include <utility>

#include "aggregator/api/query.h"

namespace cloudmon::api {

using series::FieldClass;

series::Point StepCombiner::Combined(const Open& open) {
  series::Point point = open.last;
  for (const auto& info : series::kFields) {
    const auto index = static_cast<std::size_t>(info.field);
    const Sum count = open.counts[index];
    if (count == 0) continue;
    const Sum twice = 2 * open.sums[index];
    const Sum rounded = (twice >= 0 ? twice + count : twice - count) / (2 * count);
    point.Set(info.field, static_cast<std::int64_t>(rounded));
  }
  return point;
}

void StepCombiner::CloseGroup(State& state) {
  if (state.open.time_seconds < 0) return;
  state.done.times_seconds.push_back(state.open.time_seconds);
  state.done.points.push_back(Combined(state.open));
}

void StepCombiner::AddPoint(State& state, std::int64_t time_seconds, const series::Point& point) {
  const std::int64_t group = FloorTo(time_seconds, step_seconds_);
  if (group != state.open.time_seconds) {
    CloseGroup(state);
    state.open = Open{};
    state.open.time_seconds = group;
    ++points_;
  }
  for (const auto& info : series::kFields) {
    if (!point.Has(info.field)) continue;
    if (info.field_class == FieldClass::kTotal) {
      state.open.last.Set(info.field, point.Get(info.field));
      continue;
    }
    const auto index = static_cast<std::size_t>(info.field);
    state.open.sums[index] += point.Get(info.field);
    ++state.open.counts[index];
  }
}

void StepCombiner::Add(const std::vector<store::SeriesSlice>& part) {
  for (const auto& slice : part) {
    // The parts come ordered by member, so the first one is built at the end.
    const bool is_last = states_.empty() || states_.rbegin()->first < *slice.member;
    State& state = is_last ? states_.emplace_hint(states_.end(), *slice.member, State{})->second
                           : states_.try_emplace(*slice.member).first->second;
    if (!state.done.member) state.done.member = slice.member;
    for (std::size_t i = 0; i < slice.points.size(); ++i) AddPoint(state, slice.times_seconds[i], slice.points[i]);
  }
}

std::vector<store::SeriesSlice> StepCombiner::Finish() {
  std::vector<store::SeriesSlice> slices;
  slices.reserve(states_.size());
  for (auto& [member, state] : states_) {
    CloseGroup(state);
    slices.push_back(std::move(state.done));
  }
  states_.clear();
  return slices;
}

}  // namespace cloudmon::api
