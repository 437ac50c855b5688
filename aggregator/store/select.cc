// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/select.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

namespace cloudmon::store {
namespace {

constexpr std::uint32_t kNoRow = UINT32_MAX;

// Where each of some members is in a block. Blocks that share their slots share the answer.
class RowFinder {
 public:
  explicit RowFinder(const std::vector<KnownMember>& wanted) : rows_(wanted.size(), kNoRow) {
    for (std::size_t i = 0; i < wanted.size(); ++i) by_slot_.emplace_back(wanted[i].slot, i);
    std::sort(by_slot_.begin(), by_slot_.end());
  }

  // For each wanted member its row, or kNoRow. Valid until the next call.
  const std::vector<std::uint32_t>& In(const HeadBlock& block) {
    if (block.slots == slots_) return rows_;
    slots_ = block.slots;
    auto at = slots_->begin();
    for (const auto& [slot, index] : by_slot_) {
      at = std::lower_bound(at, slots_->end(), slot);
      const bool here = at != slots_->end() && *at == slot;
      rows_[index] = here ? static_cast<std::uint32_t>(at - slots_->begin()) : kNoRow;
    }
    return rows_;
  }

 private:
  std::vector<std::pair<Slot, std::size_t>> by_slot_;
  SlotsPtr slots_;
  std::vector<std::uint32_t> rows_;
};

// How many points each of the members has in the view: what the result needs is known before it is made.
std::vector<std::size_t> CountPoints(const HeadView& view, series::Kind kind, const std::vector<KnownMember>& wanted) {
  std::vector<std::size_t> counts(wanted.size());
  RowFinder finder(wanted);
  for (auto first = view.buckets.begin(); first != view.buckets.end();) {
    const HeadBlock& block = (*first)->Of(kind);
    const auto last = std::find_if(first, view.buckets.end(),
                                   [&](const HeadBucketPtr& bucket) { return bucket->Of(kind).slots != block.slots; });
    const std::vector<std::uint32_t>& rows = finder.In(block);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] != kNoRow) counts[i] += static_cast<std::size_t>(last - first);
    }
    first = last;
  }
  return counts;
}

// Appends the rows' points of one bucket to the slices, column by column.
void AppendPoints(const HeadBucket& bucket, const HeadBlock& block, const std::vector<std::uint32_t>& rows,
                  series::FieldMask fields, std::vector<SeriesSlice>& slices) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == kNoRow) continue;
    slices[i].times_seconds.push_back(bucket.time_seconds);
    slices[i].points.emplace_back();
  }
  for (std::size_t c = 0; c < block.columns.column_count(); ++c) {
    const ColumnBlock::Column column = block.columns.column(c);
    if ((fields & series::MaskOf(column.field())) == 0) continue;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == kNoRow || !column.Has(rows[i])) continue;
      slices[i].points.back().Set(column.field(), column.Get(rows[i]));
    }
  }
}

}  // namespace

bool Matches(const Selector& selector, const series::Member& member) {
  const auto is = [](const std::string& wanted, const std::string& name) { return wanted.empty() || wanted == name; };
  return member.kind == selector.kind && is(selector.pod, member.pod) && is(selector.deployment, member.deployment) &&
         is(selector.ns, member.ns) && is(selector.node, member.node);
}

std::vector<KnownMember> MatchingMembers(const MemberList& list, const Selector& selector) {
  auto first = list.by_member.begin();
  auto last = list.by_member.end();
  const bool one_pod = selector.kind == series::Kind::kPod && !selector.pod.empty();
  if (one_pod) {
    first = std::lower_bound(list.by_pod.begin(), list.by_pod.end(), selector.pod,
                             [](const KnownMember& known, const std::string& pod) { return known.member->pod < pod; });
    last = first;
    while (last != list.by_pod.end() && last->member->pod == selector.pod) ++last;
  }
  std::vector<KnownMember> matching;
  std::copy_if(first, last, std::back_inserter(matching),
               [&](const KnownMember& known) { return Matches(selector, *known.member); });
  if (one_pod) {
    std::sort(matching.begin(), matching.end(),
              [](const KnownMember& a, const KnownMember& b) { return *a.member < *b.member; });
  }
  return matching;
}

std::vector<KnownMember> KnownOf(const MemberList& list, const std::vector<series::MemberPtr>& members) {
  std::vector<KnownMember> known;
  auto at = list.by_member.begin();
  for (const series::MemberPtr& member : members) {
    at = std::lower_bound(at, list.by_member.end(), *member,
                          [](const KnownMember& a, const series::Member& b) { return *a.member < b; });
    if (at != list.by_member.end() && *at->member == *member) known.push_back(*at);
  }
  return known;
}

Result<std::vector<SeriesSlice>> SelectFromHead(const HeadView& view, const Selector& selector,
                                                series::FieldMask fields, std::size_t max_points) {
  return SelectFromHead(view, selector.kind, MatchingMembers(*view.members, selector), fields, max_points);
}

Result<std::vector<SeriesSlice>> SelectFromHead(const HeadView& view, series::Kind kind,
                                                const std::vector<KnownMember>& wanted, series::FieldMask fields,
                                                std::size_t max_points) {
  std::vector<SeriesSlice> slices(wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) slices[i].member = wanted[i].member;
  if (wanted.empty()) return slices;

  const std::vector<std::size_t> counts = CountPoints(view, kind, wanted);
  const std::size_t points = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  if (points > max_points) return TooManyPoints(points, max_points);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    slices[i].times_seconds.reserve(counts[i]);
    slices[i].points.reserve(counts[i]);
  }
  RowFinder finder(wanted);
  for (const HeadBucketPtr& bucket : view.buckets) {
    const HeadBlock& block = bucket->Of(kind);
    AppendPoints(*bucket, block, finder.In(block), fields, slices);
  }
  std::erase_if(slices, [](const SeriesSlice& slice) { return slice.points.empty(); });
  return slices;
}

namespace {

bool HasAnotherTotal(const series::Point& point, const std::vector<series::Point>& newer) {
  return std::any_of(series::kFields.begin(), series::kFields.end(), [&](const series::FieldInfo& info) {
    const auto has = [&](const series::Point& other) { return other.Has(info.field); };
    return info.field_class == series::FieldClass::kTotal && has(point) &&
           std::none_of(newer.begin(), newer.end(), has);
  });
}

}  // namespace

std::vector<SeriesSlice> LastPoints(const HeadView& view) {
  std::unordered_map<Slot, SeriesSlice> last;  // newest first
  std::vector<SeriesSlice> slices;
  if (view.members->by_member.empty()) return slices;
  const series::Kind kind = view.members->by_member.front().member->kind;
  for (auto bucket = view.buckets.rbegin(); bucket != view.buckets.rend(); ++bucket) {
    const HeadBlock& block = (*bucket)->Of(kind);
    for (std::size_t row = 0; row < block.columns.rows(); ++row) {
      const auto [at, fresh] = last.try_emplace((*block.slots)[row]);
      if (!fresh && kind == series::Kind::kPod) continue;
      const series::Point point = block.columns.Row(row);
      SeriesSlice& slice = at->second;
      if (!fresh && !HasAnotherTotal(point, slice.points)) continue;
      slice.times_seconds.push_back((*bucket)->time_seconds);
      slice.points.push_back(point);
    }
  }
  for (const KnownMember& known : view.members->by_member) {
    const auto found = last.find(known.slot);
    if (found == last.end()) continue;
    SeriesSlice& slice = found->second;
    slices.push_back({known.member,
                      {slice.times_seconds.rbegin(), slice.times_seconds.rend()},
                      {slice.points.rbegin(), slice.points.rend()}});
  }
  return slices;
}

void KeepLast(SeriesSlice& slice) {
  SeriesSlice last{slice.member, {}, {}};  // newest first
  for (std::size_t i = slice.points.size(); i-- > 0;) {
    const bool newest = last.points.empty();
    if (!newest && (slice.member->kind == series::Kind::kPod || !HasAnotherTotal(slice.points[i], last.points))) {
      continue;
    }
    last.times_seconds.push_back(slice.times_seconds[i]);
    last.points.push_back(slice.points[i]);
  }
  slice.times_seconds.assign(last.times_seconds.rbegin(), last.times_seconds.rend());
  slice.points.assign(last.points.rbegin(), last.points.rend());
}

std::vector<SeriesSlice> Join(std::vector<SeriesSlice> older, std::vector<SeriesSlice> newer) {
  std::vector<SeriesSlice> joined;
  joined.reserve(std::max(older.size(), newer.size()));
  auto a = older.begin();
  auto b = newer.begin();
  while (a != older.end() || b != newer.end()) {
    if (b == newer.end() || (a != older.end() && *a->member < *b->member)) {
      joined.push_back(std::move(*a++));
    } else if (a == older.end() || *b->member < *a->member) {
      joined.push_back(std::move(*b++));
    } else {
      SeriesSlice& slice = joined.emplace_back(std::move(*a++));
      slice.member = std::move(b->member);
      slice.times_seconds.insert(slice.times_seconds.end(), b->times_seconds.begin(), b->times_seconds.end());
      slice.points.insert(slice.points.end(), b->points.begin(), b->points.end());
      ++b;
    }
  }
  return joined;
}

Error TooManyPoints(std::size_t points, std::size_t max_points) {
  return Error{ErrorCode::kLimit, "the query asks for " + std::to_string(points) + " points or more and the limit is " +
                                      std::to_string(max_points) + ": ask for fewer members or a shorter time"};
}

}  // namespace cloudmon::store
