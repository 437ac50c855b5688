// SPDX-License-Identifier: Apache-2.0
// From a route and a query to the members and points of the answer: which members, reading them from the store, `step`,
// `sort` and `limit`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/api/query.h"
#include "aggregator/series/model.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::api {

// The key that stands for everything together: /api/nodes/__all__ is the cluster.
inline constexpr std::string_view kAllKey = "__all__";

// {"node", "node-a"}, {"namespace", "shop"}, ... of the path.
using PathKeys = std::map<std::string, std::string, std::less<>>;

struct RouteMembers {
  store::Selector selector;  // path and filters together
  store::Selector named;     // what the path alone names: that it is known decides between 404 and an empty answer
  bool all_known = false;    // the path names nothing: an empty answer is never a 404
};

// What a route that lists members of `kind` and has these keys in its path means. `__all__` as a parent (in
// /api/namespaces/__all__/pods) is any parent; as the member itself it is the cluster, or, under a namespace, that
// namespace. Error: kInvalid for a filter that the path has fixed already or that members of this kind do not have.
Result<RouteMembers> ResolveMembers(series::Kind kind, const PathKeys& path, const SeriesQuery& query);

// Reads the members' points in `range`, combined to query.step_seconds, with the fields that the query shows or orders
// by. In the order of the store. Reads a long range in parts, so that no more than max_points points are in memory
// beside the answer. Errors: kLimit, naming the limit and what was asked for, when the answer would have more than
// `max_points` points; kIo from the store.
Result<std::vector<store::SeriesSlice>> ReadSeries(const store::Store& store, const store::Selector& selector,
                                                   TimeRange range, const SeriesQuery& query,
                                                   std::int64_t interval_seconds, std::size_t max_points);

// True when `a` stands before `b` by name: the member's own name, then namespace, node and deployment (a pod whose
// deployment became known later is two members).
[[nodiscard]] bool NameLess(const series::Member& a, const series::Member& b);

// The members in the order of `sort`, at most `limit`. Points into `slices`.
[[nodiscard]] std::vector<const store::SeriesSlice*> OrderMembers(const std::vector<store::SeriesSlice>& slices,
                                                                  const SortOrder& sort, std::size_t limit);

}  // namespace cloudmon::api
