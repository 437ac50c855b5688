// SPDX-License-Identifier: Apache-2.0
// What a node pushes (POST /api/ingest): JSON text to a reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aggregator/series/reading.h"
#include "common/result.h"

namespace cloudmon::ingest {

struct Document {
  std::int64_t timestamp_ms = 0;  // Unix time
  series::TargetReading reading;  // `node` is set
  std::size_t accepted = 0;       // the node's own values, pods, groups that `reading` holds
};

// Names are at most this long.
inline constexpr std::size_t kMaxNameBytes = 253;
// Each of pods, namespaces and deployments has at most so many entries: bounds memory, far above what a node runs.
inline constexpr std::size_t kMaxEntries = 20'000;

// Parses
//
//   {"timestamp": 1795369213, "node": "node-a", "node_data": {"memory_bytes": 1},
//    "pods": [{"pod": "web-1", "namespace": "shop", "deployment": "web", "cpu_usage_usec": 1}],
//    "namespaces": [], "deployments": []}
//
// whole or not at all. `timestamp` (Unix seconds, fractions allowed) and `node` are required, and `pod` and `namespace`
// of each pod; null is the same as absent. Values are finite, 0 to 2^63-1, rounded to whole numbers. The entries of
// `namespaces` and `deployments` are always checked, and become groups only where there is no pod. Members that are not
// known are skipped, even when given twice, but for those of an entry that begin as a quantity does (memory_mb): that
// would lose a value for its unit. A known member given twice is an error, and so is an entry.
// Needs little stack however deep the text nests. Memory: at most 7 times the text's, and 14 MB for the entries.
// Error: kParse. The message begins with a JSON pointer, "/pods/3/memory_bytes: expected a number, got a string", or,
// where the text is not JSON, with the place: "byte 17 (line 2, column 5): ...". It may hold bytes that are not UTF-8.
// Thread-safe.
Result<Document> ParseDocument(std::string_view body);

}  // namespace cloudmon::ingest
