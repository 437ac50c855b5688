// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/history.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/store/select.h"

namespace cloudmon::store {
namespace {

// Where the head begins: what is before it is in the archive.
std::int64_t Before(const HeadView& view, std::int64_t end_seconds) {
  return std::min(end_seconds, view.oldest_seconds.value_or(end_seconds));
}

}  // namespace

Result<std::vector<SeriesSlice>> History::Select(const Selector& selector, std::int64_t start_seconds,
                                                 std::int64_t end_seconds, series::FieldMask fields,
                                                 std::size_t max_points) const {
  const HeadView view = head_.View(selector.kind, start_seconds, end_seconds);
  Result<std::vector<SeriesSlice>> newer = SelectFromHead(view, selector, fields, max_points);
  if (!newer.ok()) return newer;
  const std::int64_t before_seconds = Before(view, end_seconds);
  if (start_seconds >= before_seconds) return newer;
  std::size_t points = 0;
  for (const SeriesSlice& slice : newer.value()) points += slice.points.size();
  Result<std::vector<SeriesSlice>> older =
      archive_.Select(selector, start_seconds, before_seconds, fields, max_points - points);
  if (!older.ok()) {
    return older.error().code == ErrorCode::kLimit ? TooManyPoints(max_points + 1, max_points) : older.error();
  }
  return Join(std::move(older.value()), std::move(newer.value()));
}

bool History::Knows(const Selector& selector) const {
  if (!MatchingMembers(*head_.View(selector.kind, 0, 0).members, selector).empty()) return true;
  const Result<bool> stored = archive_.Knows(selector);
  if (!stored.ok()) spdlog::error("storage: {}", stored.error().message);
  return stored.ok() && stored.value();
}

Status History::ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                        const Store::MemberLess& less, std::size_t points_in_memory,
                        const std::function<bool(SeriesSlice)>& take) const {
  Result<std::vector<PassMember>> members = Members(selector, start_seconds, end_seconds);
  if (!members.ok()) return members.error();
  const auto read = [&](const std::vector<series::MemberPtr>& batch) {
    return SelectMembers(selector.kind, batch, start_seconds, end_seconds);
  };
  return ReadInPasses(std::move(members.value()), less, points_in_memory, read, take);
}

Result<std::vector<PassMember>> History::Members(const Selector& selector, std::int64_t start_seconds,
                                                 std::int64_t end_seconds) const {
  const HeadView view = head_.View(selector.kind, start_seconds, end_seconds);
  std::vector<PassMember> members;
  if (!view.buckets.empty()) {
    for (const KnownMember& known : MatchingMembers(*view.members, selector)) {
      members.push_back({known.member, view.buckets.size()});
    }
  }
  const std::int64_t before_seconds = Before(view, end_seconds);
  if (start_seconds >= before_seconds) return members;
  const Result<std::vector<StoredSeries>> found = archive_.Members(selector, start_seconds, before_seconds);
  if (!found.ok()) return found.error();
  std::vector<PassMember> stored;
  for (const StoredSeries& one : found.value()) {
    const std::int64_t seconds =
        std::min(before_seconds, one.last_seconds + kTouchSeconds) - std::max(start_seconds, one.first_seconds);
    stored.push_back(
        {one.member, static_cast<std::size_t>(std::max<std::int64_t>(0, seconds) / interval_seconds_ + 1)});
  }
  return Union(members, stored);
}

Result<std::vector<SeriesSlice>> History::SelectMembers(series::Kind kind,
                                                        const std::vector<series::MemberPtr>& members,
                                                        std::int64_t start_seconds, std::int64_t end_seconds) const {
  const HeadView view = head_.View(kind, start_seconds, end_seconds);
  Result<std::vector<SeriesSlice>> newer =
      SelectFromHead(view, kind, KnownOf(*view.members, members), series::kAllFields, SIZE_MAX);
  if (!newer.ok()) return newer;
  const std::int64_t before_seconds = Before(view, end_seconds);
  if (start_seconds >= before_seconds) return newer;
  Result<std::vector<SeriesSlice>> older = archive_.Select(members, start_seconds, before_seconds);
  if (!older.ok()) return older;
  return Join(std::move(older.value()), std::move(newer.value()));
}

Result<std::vector<SeriesSlice>> History::Tail(series::Kind kind, std::int64_t since_seconds,
                                               std::int64_t until_seconds) const {
  std::vector<SeriesSlice> newer = LastPoints(head_.View(kind, 0, INT64_MAX));
  // Of a pod only the newest point counts.
  const auto wanted = [&](const series::Member& member) {
    if (kind != series::Kind::kPod) return true;
    const auto at =
        std::lower_bound(newer.begin(), newer.end(), member,
                         [](const SeriesSlice& slice, const series::Member& other) { return *slice.member < other; });
    return at == newer.end() || *at->member != member;
  };
  Result<std::vector<SeriesSlice>> older = archive_.Newest(kind, since_seconds, until_seconds, wanted);
  if (!older.ok()) return older;
  std::vector<SeriesSlice> tail = Join(std::move(older.value()), std::move(newer));
  for (SeriesSlice& slice : tail) KeepLast(slice);
  return tail;
}

}  // namespace cloudmon::store
