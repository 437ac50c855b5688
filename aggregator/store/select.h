// SPDX-License-Identifier: Apache-2.0
// From the head's buckets to the points that a query asks for. Pure; safe from any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/head.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

[[nodiscard]] bool Matches(const Selector& selector, const series::Member& member);

// The members of the list that match, ordered by member.
[[nodiscard]] std::vector<KnownMember> MatchingMembers(const MemberList& list, const Selector& selector);

// Those of `members`, which is ordered by member, that the list has.
[[nodiscard]] std::vector<KnownMember> KnownOf(const MemberList& list, const std::vector<series::MemberPtr>& members);

// All points of the view's buckets with only `fields`, ordered by member; members without any point are left out.
// Error: kLimit when there are more than `max_points`.
Result<std::vector<SeriesSlice>> SelectFromHead(const HeadView& view, const Selector& selector,
                                                series::FieldMask fields, std::size_t max_points);
// The same for given members of one kind, ordered by member.
Result<std::vector<SeriesSlice>> SelectFromHead(const HeadView& view, series::Kind kind,
                                                const std::vector<KnownMember>& wanted, series::FieldMask fields,
                                                std::size_t max_points);

// What is last known of each member in the view's buckets, ordered by member: see KeepLast().
[[nodiscard]] std::vector<SeriesSlice> LastPoints(const HeadView& view);

// Leaves of a member's points the newest, and before it those with a total that the newer ones do not have (but of
// pods, whose totals are not ours to carry on).
void KeepLast(SeriesSlice& slice);

// Joins slices of the same members; both are ordered by member, and all of `older` is before all of `newer`.
[[nodiscard]] std::vector<SeriesSlice> Join(std::vector<SeriesSlice> older, std::vector<SeriesSlice> newer);

[[nodiscard]] Error TooManyPoints(std::size_t points, std::size_t max_points);

}  // namespace cloudmon::store
