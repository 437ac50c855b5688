// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_codec.h"

#include <zlib.h>

#include <algorithm>

#include "aggregator/store/chunk_layout.h"

namespace cloudmon::store {

std::uint32_t ChunkChecksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

SeriesChunk BuildChunk(std::uint32_t positions, std::span<const std::uint16_t> at,
                       std::span<const series::Point> points) {
  SeriesChunk chunk{.positions = positions, .at = {at.begin(), at.end()}};
  for (const series::FieldInfo& info : series::kFields) {
    const auto has = [&](const series::Point& point) { return point.Has(info.field); };
    const auto count = static_cast<std::size_t>(std::count_if(points.begin(), points.end(), has));
    if (count == 0) continue;
    ChunkColumn& column = chunk.columns.emplace_back();
    column.field = info.field;
    column.values.reserve(points.size());
    for (const series::Point& point : points) column.values.push_back(point.Get(info.field));
    if (count == points.size()) continue;
    for (const series::Point& point : points) column.present.push_back(has(point) ? 1 : 0);
  }
  return chunk;
}

series::Point RowOf(const SeriesChunk& chunk, std::size_t row) {
  series::Point point;
  for (const ChunkColumn& column : chunk.columns) {
    if (column.Has(row)) point.Set(column.field, column.values[row]);
  }
  return point;
}

}  // namespace cloudmon::store
