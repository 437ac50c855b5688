// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "exporter/snapshot.h"

namespace cloudmon::push {

// What POST /api/ingest of the aggregator takes: the JSON document of one pass over the node, made at `timestamp_ms`
// (Unix time). Its values are those that the aggregator takes from a page of the same snapshot: raw totals, the pods'
// from their own cgroups, network without loopback, the node's disks and interfaces without those that only stand for
// others. What is not known is left out, and so are pods that no identity source can name. Pure; thread-safe.
[[nodiscard]] std::string BuildDocument(const NodeSnapshot& snapshot, std::int64_t timestamp_ms);

}  // namespace cloudmon::push
