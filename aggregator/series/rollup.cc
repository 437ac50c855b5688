// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/rollup.h"

#include <algorithm>
#include <functional>
#include <memory>

namespace cloudmon::series {

void AddSummedFields(Point& sum, const Point& point) {
  for (const Field field : kSummedFields) {
    if (!point.Has(field)) continue;
    const auto so_far = static_cast<std::uint64_t>(sum.Get(field));
    sum.Set(field, ToValue(SaturatingAdd(so_far, static_cast<std::uint64_t>(point.Get(field)))));
  }
}

std::int64_t KeepFrom(std::vector<std::int64_t> last_used, std::size_t most, std::int64_t from) {
  if (last_used.size() <= most) return from;
  const auto at = last_used.begin() + static_cast<std::ptrdiff_t>(most);
  std::nth_element(last_used.begin(), at, last_used.end(), std::greater<>());
  return std::max(from, *at + 1);
}

Group::Group(Member member) : member_(std::make_shared<const Member>(std::move(member))) {}

bool Group::Add(const Update& update, std::int64_t bucket_seconds, std::int64_t pods) {
  const bool first = sum_.empty();
  AddSummedFields(sum_, update.point);
  AddIncreases(update, sum_);
  sum_.Add(Field::kPods, pods);
  Touch(bucket_seconds);
  totals_bucket_seconds_ = std::max(totals_bucket_seconds_, bucket_seconds);
  return first;
}

void Group::AddIncreases(const Update& update, Point& totals) {
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    if (!update.point.Has(kCounterFields[i].total)) continue;
    totals_[i] = SaturatingAdd(totals_[i], update.increase[i]);
    totals.Set(kCounterFields[i].total, ToValue(totals_[i]));
  }
}

bool Group::TakeTotalsInto(std::int64_t bucket_seconds) {
  if (bucket_seconds < totals_bucket_seconds_) return false;
  totals_bucket_seconds_ = bucket_seconds;
  return true;
}

Point Group::Finish() {
  return std::exchange(sum_, Point{});
}

void Group::Restore(const MemberPtr& member, const Point& point, std::int64_t bucket_seconds) {
  member_ = member;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const std::int64_t stored = std::max<std::int64_t>(0, point.Get(kCounterFields[i].total));
    totals_[i] = std::max(totals_[i], static_cast<std::uint64_t>(stored));
  }
  Touch(bucket_seconds);
  totals_bucket_seconds_ = std::max(totals_bucket_seconds_, bucket_seconds);
}

void Group::Touch(std::int64_t bucket_seconds) {
  last_bucket_seconds_ = std::max(last_bucket_seconds_, bucket_seconds);
}

Group& Groups::Find(Member member) {
  const auto found = groups_.find(member);
  if (found != groups_.end()) return found->second;
  Group group(member);
  return groups_.emplace(std::move(member), std::move(group)).first->second;
}

void Groups::Sweep(std::int64_t bucket_seconds) {
  const std::int64_t in_use_from = bucket_seconds - kForgetCountersSeconds;
  std::vector<std::int64_t> ended;
  for (const auto& [member, group] : groups_) {
    if (group.last_bucket_seconds() < in_use_from) ended.push_back(group.last_bucket_seconds());
  }
  const std::int64_t keep_from = KeepFrom(std::move(ended), kMaxEndedGroups, bucket_seconds - kForgetGroupSeconds);
  std::erase_if(groups_,
                [&](const auto& item) { return item.second.last_bucket_seconds() < std::min(in_use_from, keep_from); });
}

}  // namespace cloudmon::series
