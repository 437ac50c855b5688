// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/passes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cloudmon::store {
namespace {

bool ByMember(const series::MemberPtr& a, const series::MemberPtr& b) {
  return *a < *b;
}

}  // namespace

std::vector<series::MemberPtr> Union(const std::vector<series::MemberPtr>& a, const std::vector<series::MemberPtr>& b) {
  std::vector<series::MemberPtr> members;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(members), ByMember);
  return members;
}

Status ReadInPasses(std::vector<series::MemberPtr> members, const Store::MemberLess& less, std::size_t buckets,
                    std::size_t points_in_memory, const ReadSlicesOf& read,
                    const std::function<bool(SeriesSlice)>& take) {
  const auto wanted_less = [&less](const series::Member& a, const series::Member& b) {
    return less(a, b) || (!less(b, a) && a < b);
  };
  std::sort(members.begin(), members.end(), [&](const auto& a, const auto& b) { return wanted_less(*a, *b); });
  const std::size_t batch_size = std::max<std::size_t>(1, points_in_memory / std::max<std::size_t>(1, buckets));
  for (std::size_t first = 0; first < members.size(); first += batch_size) {
    const auto begin = members.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(batch_size, members.size() - first));
    std::vector<series::MemberPtr> batch(begin, end);
    std::sort(batch.begin(), batch.end(), ByMember);
    Result<std::vector<SeriesSlice>> slices = read(batch);
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
