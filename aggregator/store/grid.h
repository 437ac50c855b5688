// SPDX-License-Identifier: Apache-2.0
// Where a bucket lies among chunks and parts. Pure.
//
// A chunk is kChunkPositions buckets (an hour of 10 s), a part a twelfth of that. Buckets go into parts when these are
// over, and parts into chunks when those are: short blobs take more bytes a value, and long ones more memory before
// they can be made.
#pragma once

#include <cstdint>

namespace cloudmon::store {

inline constexpr std::int64_t kPartPositions = 30;
inline constexpr std::int64_t kPartsOfChunk = 12;
inline constexpr std::int64_t kChunkPositions = kPartPositions * kPartsOfChunk;

// Either the grid of parts or that of chunks. Span `n` is [n * width, (n + 1) * width) seconds, times are not negative.
struct Grid {
  std::int64_t interval_seconds;  // of a bucket
  std::int64_t positions;         // kPartPositions or kChunkPositions

  [[nodiscard]] constexpr std::int64_t width_seconds() const { return interval_seconds * positions; }
  [[nodiscard]] constexpr std::int64_t NumberOf(std::int64_t time_seconds) const {
    return time_seconds / width_seconds();
  }
  [[nodiscard]] constexpr std::int64_t StartOf(std::int64_t number) const { return number * width_seconds(); }
  [[nodiscard]] constexpr std::uint16_t PositionOf(std::int64_t time_seconds) const {
    return static_cast<std::uint16_t>(time_seconds % width_seconds() / interval_seconds);
  }
};
[[nodiscard]] constexpr Grid PartGrid(std::int64_t interval_seconds) {
  return {interval_seconds, kPartPositions};
}
[[nodiscard]] constexpr Grid ChunkGrid(std::int64_t interval_seconds) {
  return {interval_seconds, kChunkPositions};
}

// The row number of a series' blob in tables `part` and `chunk`: ordered by time, then series. So rows are appended at
// the table's end, and deleted from its beginning, whole pages at a time.
[[nodiscard]] constexpr std::int64_t RowKey(std::int64_t number, std::int64_t series_id) {
  return (number << 32) + series_id;
}
[[nodiscard]] constexpr std::int64_t NumberOfKey(std::int64_t key) {
  return key >> 32;
}
[[nodiscard]] constexpr std::int64_t SeriesOfKey(std::int64_t key) {
  return key & 0xFFFF'FFFF;
}

}  // namespace cloudmon::store
