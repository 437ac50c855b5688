// SPDX-License-Identifier: Apache-2.0
// An hour of a cluster that behaves like a real one, the same in every run: what codec_bench encodes.
#pragma once

#include <map>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/chunk_codec.h"

namespace cloudmon::bench {

// By kind, a chunk for each series. Readings go through the bucketer, so that rates, gaps, resets and rollups are what
// it makes of them. Pods: a third idle, half steady, the others in bursts; memory moves in pages, disk in blocks,
// scrapes come some milliseconds early or late, some are missed, pods restart.
std::map<series::Kind, std::vector<store::SeriesChunk>> MakeHour(int pods, int buckets);

}  // namespace cloudmon::bench
