// SPDX-License-Identifier: Apache-2.0
// The export files: {"<key>": {"<bucket>": [entry, ...]}, "__all__": {...}}, one key on each line, keys ascending and
// `__all__` (the cluster) last. A bucket is its start in Unix seconds; entries are those of the series routes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "aggregator/api/query.h"
#include "aggregator/series/model.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::exports {

struct File {
  std::string_view name, summary;
  series::Kind kind;
};
inline constexpr std::array<File, 4> kFiles{
    {{"nodes.json", "every node's history as a file, streamed; takes window, start, end", series::Kind::kNode},
     {"pods.json", "every pod's history, likewise", series::Kind::kPod},
     {"namespaces.json", "every namespace's history, likewise", series::Kind::kNamespace},
     {"deployments.json", "every deployment's history, likewise", series::Kind::kDeployment}}};
inline constexpr std::string_view kClusterKey = "__all__";
// Between the names in a deployment's key.
inline constexpr std::string_view kKeySeparator = "::";

// A member's key: the node, the pod, the namespace, `<namespace>::<deployment>`, `__all__`.
[[nodiscard]] std::string KeyOf(const series::Member& member);

// Store::ForEach, or another's.
using ForEach = std::function<Status(const store::Selector&, std::int64_t start_seconds, std::int64_t end_seconds,
                                     const store::Store::MemberLess&, std::size_t points_in_memory,
                                     const std::function<bool(store::SeriesSlice)>& take)>;

// Takes the next piece of the text; false: no more is wanted.
using Sink = std::function<bool(std::string_view)>;

// How many points are read at a time: about 30 MB.
inline constexpr std::size_t kPointsInMemory = 200'000;

// Writes one file of the buckets in `range` in pieces of about 64 KiB. In memory are about twice `kPointsInMemory`
// points, but all of one member. Members with equal keys (pods of one name) share it: entries by time, then by member;
// where they have more points than that, `for_each` is called again, for parts of the time, from within its `take`.
// Errors: those of `for_each`; kGone when `sink` took no more.
Status WriteFile(const ForEach& for_each, series::Kind kind, const api::TimeRange& range, const Sink& sink);

}  // namespace cloudmon::exports
