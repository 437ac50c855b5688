// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "aggregator/store/store.h"

namespace cloudmon::test {

// A store in memory, for tests and benchmarks of what reads one. Not thread-safe.
class FakeStore final : public store::Store {
 public:
  void Append(series::Bucket bucket) override {
    newest_ = bucket.time_seconds;
    if (!oldest_) oldest_ = newest_;
    for (auto& entry : bucket.entries) {
      auto& slice = slices_[*entry.member];
      slice.member = entry.member;
      slice.times_seconds.push_back(bucket.time_seconds);
      slice.points.push_back(entry.point);
    }
  }

  Result<std::vector<store::SeriesSlice>> Select(const store::Selector& selector, std::int64_t start_seconds,
                                                 std::int64_t end_seconds, series::FieldMask fields,
                                                 std::size_t max_points) const override {
    if (out_of_memory) throw std::bad_alloc();
    if (fail_reads) return Error{ErrorCode::kIo, "metrics.db: disk I/O error"};
    std::vector<store::SeriesSlice> found;
    std::size_t points = 0;
    for (const auto& [member, slice] : slices_) {
      if (!Matches(selector, member)) continue;
      const auto& times = slice.times_seconds;
      const auto from = std::lower_bound(times.begin(), times.end(), start_seconds) - times.begin();
      const auto to = std::lower_bound(times.begin(), times.end(), end_seconds) - times.begin();
      if (from >= to) continue;
      points += static_cast<std::size_t>(to - from);
      if (points > max_points) return Error{ErrorCode::kLimit, "too many points"};
      auto& part = found.emplace_back(store::SeriesSlice{slice.member, {times.begin() + from, times.begin() + to}, {}});
      for (auto i = from; i < to; ++i) part.points.push_back(Only(fields, slice.points[static_cast<std::size_t>(i)]));
    }
    return found;
  }

  Status Amend(const std::vector<std::int64_t>& times_seconds,
               const std::function<void(series::Bucket&)>& change) override {
    for (const std::int64_t time_seconds : times_seconds) AmendOne(time_seconds, change);
    return Status::Ok();
  }

  void AmendOne(std::int64_t time_seconds, const std::function<void(series::Bucket&)>& change) {
    series::Bucket bucket{time_seconds, {}};
    for (auto& [member, slice] : slices_) {
      const auto at = std::lower_bound(slice.times_seconds.begin(), slice.times_seconds.end(), time_seconds);
      if (at == slice.times_seconds.end() || *at != time_seconds) continue;
      const auto point = slice.points.begin() + (at - slice.times_seconds.begin());
      bucket.entries.push_back({slice.member, *point});
      slice.points.erase(point);
      slice.times_seconds.erase(at);
    }
    change(bucket);
    for (auto& entry : bucket.entries) {
      auto& slice = slices_[*entry.member];
      slice.member = entry.member;
      const auto at = std::lower_bound(slice.times_seconds.begin(), slice.times_seconds.end(), time_seconds);
      slice.points.insert(slice.points.begin() + (at - slice.times_seconds.begin()), entry.point);
      slice.times_seconds.insert(at, time_seconds);
    }
    std::erase_if(slices_, [](const auto& item) { return item.second.points.empty(); });
    oldest_ = std::min(oldest_.value_or(time_seconds), time_seconds);
    newest_ = std::max(newest_.value_or(time_seconds), time_seconds);
  }

  Status ForEach(const store::Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                 const MemberLess& less, std::size_t /*points_in_memory*/,
                 const std::function<bool(store::SeriesSlice)>& take) const override {
    auto found =
        Select(selector, start_seconds, end_seconds, series::kAllFields, std::numeric_limits<std::size_t>::max());
    if (!found.ok()) return found.error();
    std::stable_sort(found.value().begin(), found.value().end(),
                     [&](const auto& a, const auto& b) { return less(*a.member, *b.member); });
    for (auto& slice : found.value()) {
      if (!take(std::move(slice))) break;
    }
    return Status::Ok();
  }

  [[nodiscard]] bool Knows(const store::Selector& selector) const override {
    return std::any_of(slices_.begin(), slices_.end(), [&](const auto& s) { return Matches(selector, s.first); });
  }
  [[nodiscard]] std::optional<std::int64_t> NewestBucket() const override { return newest_; }
  [[nodiscard]] std::vector<store::SeriesSlice> Tail() const override { return {}; }
  [[nodiscard]] store::StoreStats Stats() const override {
    store::StoreStats stats = numbers;
    stats.oldest_bucket_seconds = oldest_.value_or(0);
    stats.newest_bucket_seconds = newest_.value_or(0);
    return stats;
  }
  void SetRetention(std::int64_t /*retention_seconds*/) override {}

  bool fail_reads = false;
  bool out_of_memory = false;  // reading throws
  store::StoreStats numbers;

 private:
  static series::Point Only(series::FieldMask fields, series::Point point) {
    for (const series::FieldInfo& info : series::kFields) {
      if ((fields & series::MaskOf(info.field)) == 0) point.Clear(info.field);
    }
    return point;
  }
  static bool Matches(const store::Selector& selector, const series::Member& member) {
    auto same = [](const std::string& wanted, const std::string& is) { return wanted.empty() || wanted == is; };
    return selector.kind == member.kind && same(selector.node, member.node) && same(selector.ns, member.ns) &&
           same(selector.deployment, member.deployment) && same(selector.pod, member.pod);
  }

  std::map<series::Member, store::SeriesSlice> slices_;
  std::optional<std::int64_t> oldest_, newest_;
};

}  // namespace cloudmon::test
