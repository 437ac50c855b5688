// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/rollup.h"

#include <algorithm>
#include <memory>

namespace cloudmon::series {
namespace {

// What a group's point sums directly; totals go through the increases.
constexpr std::array kSummed = {Field::kCpuMillicores, Field::kMemoryBytes,   Field::kMemoryWorkingSetBytes,
                                Field::kDiskReadRate,  Field::kDiskWriteRate, Field::kNetworkRxRate,
                                Field::kNetworkTxRate};

}  // namespace

Group::Group(Member member) : member_(std::make_shared<const Member>(std::move(member))) {}

bool Group::Add(const Update& update, std::int64_t bucket_seconds) {
  const bool first = sum_.empty();
  for (const Field field : kSummed) {
    if (!update.point.Has(field)) continue;
    const auto sum = static_cast<std::uint64_t>(sum_.Get(field));
    sum_.Set(field, ToValue(SaturatingAdd(sum, static_cast<std::uint64_t>(update.point.Get(field)))));
  }
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    if (!update.point.Has(kCounterFields[i].total)) continue;
    totals_[i] = SaturatingAdd(totals_[i], update.increase[i]);
    sum_.Set(kCounterFields[i].total, ToValue(totals_[i]));
  }
  sum_.Add(Field::kPods, 1);
  Touch(bucket_seconds);
  return first;
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

void Groups::Forget(std::int64_t seconds) {
  std::erase_if(groups_, [seconds](const auto& item) { return item.second.last_bucket_seconds() < seconds; });
}

}  // namespace cloudmon::series
