// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/select.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "aggregator/api/step.h"

namespace cloudmon::api {
namespace {

using series::Kind;
using store::Selector;
using store::SeriesSlice;
using Slices = std::vector<SeriesSlice>;

// The parts of an identity: the name of their parameter and path key, and which kinds have them.
struct KeyPart {
  std::string_view name;
  std::string Selector::*selector;
  std::string SeriesQuery::*filter;
  std::array<bool, series::kKindCount> has;  // by Kind: node, pod, namespace, deployment, cluster
};
const std::array<KeyPart, 4> kKeyParts{{
    {"node", &Selector::node, &SeriesQuery::node, {true, true, false, false, false}},
    {"namespace", &Selector::ns, &SeriesQuery::ns, {false, true, true, true, false}},
    {"deployment", &Selector::deployment, &SeriesQuery::deployment, {false, true, false, true, false}},
    {"pod", &Selector::pod, &SeriesQuery::pod, {false, true, false, false, false}},
}};

bool HasPart(Kind kind, const KeyPart& part) {
  return part.has[static_cast<std::size_t>(kind)];
}

// What the keys of the path name: the member itself where it has its own name, else the innermost parent.
Selector NamedBy(const Selector& path) {
  Selector named = path;
  if (!path.pod.empty()) return named;
  if (!path.deployment.empty()) {
    named.kind = Kind::kDeployment;
  } else if (!path.ns.empty()) {
    named.kind = Kind::kNamespace;
  } else if (!path.node.empty()) {
    named.kind = Kind::kNode;
  }
  return named;
}

Status ApplyFilters(Kind kind, const PathKeys& path, const SeriesQuery& query, Selector& selector) {
  for (const KeyPart& part : kKeyParts) {
    const std::string& value = query.*part.filter;
    if (value.empty()) continue;
    const std::string name(part.name);
    if (path.contains(part.name)) {
      return Error{ErrorCode::kInvalid, name + ": already given by the path; leave the parameter out"};
    }
    if (!HasPart(kind, part)) {
      return Error{ErrorCode::kInvalid, name + ": entries of the kind " + std::string(series::KindName(kind)) +
                                            " have no " + name + "; leave the parameter out or ask for pods"};
    }
    selector.*part.selector = value;
  }
  return Status::Ok();
}

}  // namespace

Result<RouteMembers> ResolveMembers(Kind kind, const PathKeys& path, const SeriesQuery& query) {
  RouteMembers members;
  members.selector.kind = kind;
  for (const KeyPart& part : kKeyParts) {
    const auto key = path.find(part.name);
    if (key == path.end()) continue;
    if (key->second != kAllKey) {
      members.selector.*part.selector = key->second;
    } else if (part.name == series::KindName(kind)) {
      members.selector.kind = members.selector.ns.empty() ? Kind::kCluster : Kind::kNamespace;
    }
  }
  Selector& selector = members.selector;
  members.named = NamedBy(selector);
  members.all_known =
      selector.node.empty() && selector.ns.empty() && selector.deployment.empty() && selector.pod.empty();
  if (const Status status = ApplyFilters(selector.kind, path, query, selector); !status.ok()) return status.error();
  return members;
}

namespace {

Error OverLimit(std::uint64_t asked, std::size_t max_points) {
  return {ErrorCode::kLimit, "the answer would have at least " + std::to_string(asked) + " points, the limit is " +
                                 std::to_string(max_points) +
                                 " (query.max-points): ask for a smaller window, a larger step or fewer members"};
}

// How many points the answer has when the members of the newest bucket were there all the time.
Result<std::uint64_t> EstimatePoints(const store::Store& store, const Selector& selector, TimeRange range,
                                     std::int64_t step_seconds, std::int64_t interval_seconds) {
  const std::int64_t newest = store.NewestBucket().value_or(0);
  const auto now = store.Select(selector, newest, newest + interval_seconds, series::FieldMask{0},
                                std::numeric_limits<std::size_t>::max());
  if (!now.ok()) return now.error();
  const std::int64_t start = std::max(range.start_seconds, store.Stats().oldest_bucket_seconds);
  const std::int64_t steps = (range.end_seconds - FloorTo(start, step_seconds) + step_seconds - 1) / step_seconds;
  return now.value().size() * static_cast<std::uint64_t>(std::max<std::int64_t>(0, steps));
}

// What the answer shows or is ordered by.
series::FieldMask WantedFields(const SeriesQuery& query) {
  series::FieldMask wanted = query.sort.by == SortBy::kField ? series::MaskOf(query.sort.field) : 0;
  for (const series::FieldInfo& info : query.fields) wanted |= series::MaskOf(info.field);
  return wanted;
}

// The error for a range that the store refused: what was asked for is at least one more than the limit.
Error RefusedRange(std::uint64_t estimate, std::size_t max_points) {
  return OverLimit(std::max<std::uint64_t>(estimate, max_points + 1), max_points);
}

Result<Slices> ReadPlain(const store::Store& store, const Selector& selector, TimeRange range, series::FieldMask fields,
                         std::int64_t interval_seconds, std::size_t max_points) {
  auto slices = store.Select(selector, range.start_seconds, range.end_seconds, fields, max_points);
  if (slices.ok() || slices.error().code != ErrorCode::kLimit) return slices;
  const auto estimate = EstimatePoints(store, selector, range, interval_seconds, interval_seconds);
  if (!estimate.ok()) return estimate.error();
  return RefusedRange(estimate.value(), max_points);
}

// Where the store refuses a part as too large it is halved; no part is smaller than one bucket.
Result<Slices> ReadStepped(const store::Store& store, const Selector& selector, TimeRange range,
                           const SeriesQuery& query, std::int64_t interval_seconds, std::size_t max_points) {
  const std::int64_t step_seconds = query.step_seconds;
  const series::FieldMask fields = WantedFields(query);
  StepCombiner combiner(step_seconds);
  std::int64_t part_seconds = range.end_seconds - range.start_seconds;
  bool estimated = false;
  for (std::int64_t at = range.start_seconds; at < range.end_seconds;) {
    const std::int64_t part_end = std::min(range.end_seconds, at + part_seconds);
    const auto part = store.Select(selector, at, part_end, fields, max_points);
    if (part.ok()) {
      combiner.Add(part.value());
      if (combiner.points() > max_points) return OverLimit(combiner.points(), max_points);
      at = part_end;
      continue;
    }
    if (part.error().code != ErrorCode::kLimit) return part.error();
    if (!estimated) {
      const auto estimate = EstimatePoints(store, selector, range, step_seconds, interval_seconds);
      if (!estimate.ok()) return estimate.error();
      if (estimate.value() > max_points) return OverLimit(estimate.value(), max_points);
      // The oldest bucket bounds the range, so that halving soon comes to the data.
      at = std::max(at, FloorTo(store.Stats().oldest_bucket_seconds, interval_seconds));
      part_seconds = std::max(interval_seconds, range.end_seconds - at);
      estimated = true;
    }
    if (part_seconds <= interval_seconds) return OverLimit(max_points + 1, max_points);
    part_seconds = std::max(interval_seconds, part_seconds / 2);
  }
  return combiner.Finish();
}

const std::string& OwnName(const series::Member& member) {
  switch (member.kind) {
    case Kind::kNode:
      return member.node;
    case Kind::kPod:
      return member.pod;
    case Kind::kNamespace:
      return member.ns;
    case Kind::kDeployment:
      return member.deployment;
    case Kind::kCluster:
      break;
  }
  return member.node;
}

std::optional<std::int64_t> NewestValue(const SeriesSlice& slice, series::Field field) {
  for (auto point = slice.points.rbegin(); point != slice.points.rend(); ++point) {
    if (point->Has(field)) return point->Get(field);
  }
  return std::nullopt;
}

struct Ranked {
  const SeriesSlice* slice;
  std::optional<std::int64_t> value;  // where sorted by a field
};

// Members without the value come last in either direction; equal ones by name.
bool RankLess(const Ranked& a, const Ranked& b, bool descending) {
  if (a.value.has_value() != b.value.has_value()) return a.value.has_value();
  if (a.value != b.value) return (a.value < b.value) != descending;
  return NameLess(*a.slice->member, *b.slice->member);
}

}  // namespace

Result<Slices> ReadSeries(const store::Store& store, const Selector& selector, TimeRange range,
                          const SeriesQuery& query, std::int64_t interval_seconds, std::size_t max_points) {
  if (range.start_seconds >= range.end_seconds) return Slices{};
  if (query.step_seconds <= interval_seconds) {
    return ReadPlain(store, selector, range, WantedFields(query), interval_seconds, max_points);
  }
  return ReadStepped(store, selector, range, query, interval_seconds, max_points);
}

bool NameLess(const series::Member& a, const series::Member& b) {
  if (const int order = OwnName(a).compare(OwnName(b)); order != 0) return order < 0;
  return std::tie(a.ns, a.node, a.deployment) < std::tie(b.ns, b.node, b.deployment);
}

std::vector<const SeriesSlice*> OrderMembers(const Slices& slices, const SortOrder& sort, std::size_t limit) {
  std::vector<Ranked> ranked;
  ranked.reserve(slices.size());
  for (const SeriesSlice& slice : slices) {
    ranked.push_back({&slice, sort.by == SortBy::kField ? NewestValue(slice, sort.field) : std::nullopt});
  }
  std::sort(ranked.begin(), ranked.end(),
            [&](const Ranked& a, const Ranked& b) { return RankLess(a, b, sort.descending); });
  if (sort.by == SortBy::kName && sort.descending) std::reverse(ranked.begin(), ranked.end());
  ranked.resize(std::min(ranked.size(), limit));
  std::vector<const SeriesSlice*> order(ranked.size());
  std::transform(ranked.begin(), ranked.end(), order.begin(), [](const Ranked& r) { return r.slice; });
  return order;
}

}  // namespace cloudmon::api
