// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/passes.h"

#include <algorithm>
#include <utility>

namespace cloudmon::store {
namespace {

bool ByMember(const series::MemberPtr& a, const series::MemberPtr& b) {
  return *a < *b;
}

// Takes members from `at` on, at least one, as long as their points fit; moves `at` behind them.
std::vector<series::MemberPtr> NextBatch(const std::vector<PassMember>& members, std::size_t points_in_memory,
                                         std::size_t& at) {
  std::vector<series::MemberPtr> batch;
  std::size_t points = 0;
  for (; at < members.size(); ++at) {
    points += members[at].points;
    if (!batch.empty() && points > points_in_memory) break;
    batch.push_back(members[at].member);
  }
  std::sort(batch.begin(), batch.end(), ByMember);
  return batch;
}

}  // namespace

std::vector<PassMember> Union(const std::vector<PassMember>& a, const std::vector<PassMember>& b) {
  std::vector<PassMember> members;
  members.reserve(std::max(a.size(), b.size()));
  auto at = b.begin();
  for (const PassMember& one : a) {
    for (; at != b.end() && *at->member < *one.member; ++at) members.push_back(*at);
    members.push_back(one);
    if (at != b.end() && *at->member == *one.member) members.back().points += (at++)->points;
  }
  members.insert(members.end(), at, b.end());
  return members;
}

Status ReadInPasses(std::vector<PassMember> members, const Store::MemberLess& less, std::size_t points_in_memory,
                    const ReadSlicesOf& read, const std::function<bool(SeriesSlice)>& take) {
  const auto wanted_less = [&less](const series::Member& a, const series::Member& b) {
    return less(a, b) || (!less(b, a) && a < b);
  };
  std::sort(members.begin(), members.end(),
            [&](const PassMember& a, const PassMember& b) { return wanted_less(*a.member, *b.member); });
  for (std::size_t at = 0; at < members.size();) {
    Result<std::vector<SeriesSlice>> slices = read(NextBatch(members, points_in_memory, at));
    if (!slices.ok()) return slices.error();
    std::sort(slices.value().begin(), slices.value().end(),
              [&](const SeriesSlice& a, const SeriesSlice& b) { return wanted_less(*a.member, *b.member); });
    for (SeriesSlice& slice : slices.value()) {
      if (!take(std::move(slice))) return Status::Ok();
    }
  }
  return Status::Ok();
}

}  // namespace cloudmon::store
