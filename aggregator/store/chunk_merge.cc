// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "aggregator/store/chunk_codec.h"

namespace cloudmon::store {
namespace {

// Where a row of the merged chunk comes from.
struct Origin {
  bool newer;
  std::size_t row;
};

// Of a row in the merged chunk; `positions` where there is none.
std::uint64_t PositionOf(const SeriesChunk& chunk, std::size_t row, std::uint32_t offset, std::uint32_t positions) {
  if (row == chunk.at.size()) return positions;
  return std::min<std::uint64_t>(std::uint64_t{offset} + chunk.at[row], positions);
}

const ChunkColumn* FindColumn(const SeriesChunk& chunk, series::Field field) {
  const auto found = std::find_if(chunk.columns.begin(), chunk.columns.end(),
                                  [&](const ChunkColumn& column) { return column.field == field; });
  return found == chunk.columns.end() ? nullptr : &*found;
}

void AppendColumn(const ChunkColumn* older, const ChunkColumn* newer, const std::vector<Origin>& origins,
                  ChunkColumn column, SeriesChunk& out) {
  column.values.resize(origins.size());
  column.present.resize(origins.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const ChunkColumn* from = origins[i].newer ? newer : older;
    if (from == nullptr || !from->Has(origins[i].row)) continue;
    column.values[i] = from->values[origins[i].row];
    column.present[i] = 1;
    ++count;
  }
  if (count == 0) return;
  if (count == origins.size()) column.present.clear();
  out.columns.push_back(std::move(column));
}

}  // namespace

SeriesChunk MergeChunks(const SeriesChunk& older, std::uint32_t older_offset, const SeriesChunk& newer,
                        std::uint32_t newer_offset, std::uint32_t positions) {
  SeriesChunk out{.positions = positions};
  std::vector<Origin> origins;
  for (std::size_t a = 0, b = 0;;) {
    const std::uint64_t of_older = PositionOf(older, a, older_offset, positions);
    const std::uint64_t of_newer = PositionOf(newer, b, newer_offset, positions);
    const std::uint64_t position = std::min(of_older, of_newer);
    if (position == positions) break;
    const bool from_newer = of_newer == position;
    out.at.push_back(static_cast<std::uint16_t>(position));
    origins.push_back({.newer = from_newer, .row = from_newer ? b : a});
    if (of_older == position) ++a;
    if (from_newer) ++b;
  }
  for (const series::FieldInfo& info : series::kFields) {
    const ChunkColumn* of_older = FindColumn(older, info.field);
    const ChunkColumn* of_newer = FindColumn(newer, info.field);
    if (of_older != nullptr || of_newer != nullptr) {
      AppendColumn(of_older, of_newer, origins, {.field = info.field}, out);
    }
  }
  return out;
}

}  // namespace cloudmon::store
