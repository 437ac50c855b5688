// SPDX-License-Identifier: Apache-2.0
// Writes a snapshot as metrics. Pure; safe to call from any thread.
#pragma once

#include <cstddef>

#include "common/exposition/writer.h"
#include "exporter/snapshot.h"

namespace cloudmon {

// Containers, pods, their network and identity.
void WritePodFamilies(exposition::Writer& writer, const NodeSnapshot& snapshot);

// The node itself; interfaces and disks that stand for others (pitfall 8, partitions) are left out.
void WriteNodeFamilies(exposition::Writer& writer, const NodeSnapshot& snapshot);

}  // namespace cloudmon
