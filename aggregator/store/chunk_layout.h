// SPDX-License-Identifier: Apache-2.0
// What the writer and the reader of a chunk blob share (docs/store_format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "aggregator/series/model.h"

namespace cloudmon::store {

inline constexpr char kChunkVersion = 1;
inline constexpr std::size_t kChecksumBytes = 4;
[[nodiscard]] std::uint32_t ChunkChecksum(std::string_view bytes);

// Blobs name a field by its place in kFields: new ones go to the end.
static_assert(series::kFieldCount == 17 && static_cast<int>(series::Field::kCpuMillicores) == 0 &&
              static_cast<int>(series::Field::kMemoryWorkingSetBytes) == 3 &&
              static_cast<int>(series::Field::kDiskReadRate) == 8 && static_cast<int>(series::Field::kPods) == 12 &&
              static_cast<int>(series::Field::kMemoryCapacityBytes) == 16);

// Which of a number of things there are: 1 or 0 for each; empty: all.
using Presence = std::vector<std::uint8_t>;

}  // namespace cloudmon::store
