// SPDX-License-Identifier: Apache-2.0
// The points of one series over one chunk of buckets, as columns and as a blob. The blob's layout is in
// docs/store_format.md. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/series/model.h"
#include "common/result.h"

namespace cloudmon::store {

inline constexpr std::uint32_t kMaxChunkPositions = 4096;

struct ChunkColumn {
  series::Field field{};
  std::vector<std::int64_t> values{};   // one for each row; 0 where not present
  std::vector<std::uint8_t> present{};  // one for each row, 1 or 0; empty: every row has a value
  [[nodiscard]] bool Has(std::size_t row) const { return present.empty() || present[row] != 0; }
  bool operator==(const ChunkColumn&) const = default;
};

// A position is a bucket's number within the chunk: time = chunk start + position * width. A row is a position at which
// the series has an entry, even one without values.
struct SeriesChunk {
  std::uint32_t positions = 0;         // of the chunk, 1 to kMaxChunkPositions
  std::vector<std::uint16_t> at{};     // the rows' positions, rising
  std::vector<ChunkColumn> columns{};  // in the order of kFields; only those with a value
  bool operator==(const SeriesChunk&) const = default;
};

// `at` and `points` belong together.
[[nodiscard]] SeriesChunk BuildChunk(std::uint32_t positions, std::span<const std::uint16_t> at,
                                     std::span<const series::Point> points);
// All values of one row.
[[nodiscard]] series::Point RowOf(const SeriesChunk& chunk, std::size_t row);

// kInvalid where the chunk is not as SeriesChunk says, or has no row.
[[nodiscard]] Result<std::string> EncodeChunk(const SeriesChunk& chunk);

using series::FieldMask;
using series::kAllFields;
using series::MaskOf;

// What is wanted of a chunk. Time is saved by few fields and an early end.
struct ChunkPart {
  FieldMask fields = kAllFields;
  std::uint32_t first = 0;                                        // position
  std::uint32_t end = std::numeric_limits<std::uint32_t>::max();  // behind the last position
};

// The rows within the part and their columns; perhaps none. kParse: the blob is damaged, cut off, or of a version or
// with fields that this program does not know.
[[nodiscard]] Result<SeriesChunk> DecodeChunk(std::string_view blob, const ChunkPart& part = {});

}  // namespace cloudmon::store
