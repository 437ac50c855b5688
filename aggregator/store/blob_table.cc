// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/blob_table.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "aggregator/store/chunk_codec.h"

namespace cloudmon::store {
namespace {

constexpr std::int64_t kRowsPerStep = 2'000;

// The positions of a span that begins at `start_seconds` which lie in start <= time < end.
ChunkPart PartOf(const Grid& grid, std::int64_t span_seconds, std::int64_t start_seconds, std::int64_t end_seconds,
                 series::FieldMask fields) {
  const auto position = [&](std::int64_t seconds) {
    const std::int64_t inside = std::clamp<std::int64_t>(seconds - span_seconds, 0, grid.width_seconds());
    return static_cast<std::uint32_t>((inside + grid.interval_seconds - 1) / grid.interval_seconds);
  };
  return {.fields = fields, .first = position(start_seconds), .end = position(end_seconds)};
}

void AppendRows(const SeriesChunk& chunk, const Grid& grid, std::int64_t span_seconds, SeriesSlice& out) {
  const std::size_t begin = out.points.size();
  for (const std::uint16_t position : chunk.at) {
    out.times_seconds.push_back(span_seconds + position * grid.interval_seconds);
  }
  out.points.resize(begin + chunk.at.size());
  for (const ChunkColumn& column : chunk.columns) {
    for (std::size_t row = 0; row < chunk.at.size(); ++row) {
      if (column.Has(row)) out.points[begin + row].Set(column.field, column.values[row]);
    }
  }
}

}  // namespace

Result<BlobTable> BlobTable::Open(Connection& db, std::string name, Grid grid) {
  BlobTable table(std::move(name), grid);
  const std::string& t = table.name_;
  for (const auto& [statement, sql] : {
           std::pair{&table.read_, "SELECT points FROM " + t + " WHERE key = ?1"},
           std::pair{&table.write_, "INSERT OR REPLACE INTO " + t + "(key, points) VALUES(?1, ?2)"},
           std::pair{&table.delete_, "DELETE FROM " + t + " WHERE key = ?1"},
           std::pair{&table.next_, "SELECT coalesce(min(key), 0) FROM " + t + " WHERE key >= ?1"},
           std::pair{&table.last_, "SELECT coalesce(max(key), 0) FROM " + t + " WHERE key <= ?1"},
           std::pair{&table.list_, "SELECT key FROM " + t + " WHERE key >= ?1 AND key < ?2"},
           std::pair{&table.delete_before_, "DELETE FROM " + t + " WHERE key IN (SELECT key FROM " + t +
                                                " WHERE key < ?1 ORDER BY key LIMIT ?2)"},
           std::pair{&table.span_, "SELECT points FROM " + t + " WHERE key >= ?1 AND key < ?2"},
       }) {
    Result<Statement> prepared = db.Prepare(sql);
    if (!prepared.ok()) return prepared.error();
    *statement = std::move(prepared.value());
  }
  return table;
}

Result<bool> BlobTable::Read(std::int64_t number, std::int64_t series_id, std::int64_t start_seconds,
                             std::int64_t end_seconds, series::FieldMask fields, SeriesSlice& out) {
  const Result<bool> row = read_.Bind(1, RowKey(number, series_id)).Step();
  if (row.ok() && row.value()) {
    const std::int64_t span_seconds = grid_.StartOf(number);
    const auto chunk = DecodeChunk(read_.Blob(0), PartOf(grid_, span_seconds, start_seconds, end_seconds, fields));
    if (chunk.ok() && chunk.value().positions == grid_.positions) {
      AppendRows(chunk.value(), grid_, span_seconds, out);
    } else {
      NoteDamage(number, series_id,
                 chunk.ok() ? Error{ErrorCode::kParse, "it has as many positions as another table's"} : chunk.error());
    }
  }
  read_.Reset();
  return row;
}

Result<bool> BlobTable::Read(std::int64_t number, std::int64_t series_id, SeriesSlice& out) {
  return Read(number, series_id, 0, INT64_MAX, series::kAllFields, out);
}

void BlobTable::NoteDamage(std::int64_t number, std::int64_t series_id, const Error& error) {
  if (std::exchange(damage_noted_, true)) return;
  spdlog::warn("storage: table {}, series {}, from {} on: {}; left out, as are others from now on", name_, series_id,
               grid_.StartOf(number), error.message);
}

Status BlobTable::Write(std::int64_t number, std::int64_t series_id, const std::vector<std::int64_t>& times_seconds,
                        const std::vector<series::Point>& points) {
  if (points.empty()) return Delete(number, series_id);
  std::vector<std::uint16_t> positions;
  positions.reserve(times_seconds.size());
  for (const std::int64_t seconds : times_seconds) positions.push_back(grid_.PositionOf(seconds));
  const auto blob = EncodeChunk(BuildChunk(static_cast<std::uint32_t>(grid_.positions), positions, points));
  if (!blob.ok()) return blob.error();
  return write_.Bind(1, RowKey(number, series_id)).BindBlob(2, blob.value()).Run();
}

Status BlobTable::Delete(std::int64_t number, std::int64_t series_id) {
  return delete_.Bind(1, RowKey(number, series_id)).Run();
}

Result<std::int64_t> BlobTable::NextKey(std::int64_t key) {
  const Result<bool> row = next_.Bind(1, key).Step();
  const std::int64_t next = row.ok() && row.value() ? next_.Int(0) : 0;
  next_.Reset();
  if (!row.ok()) return row.error();
  return next;
}

Result<std::int64_t> BlobTable::LastKey(std::int64_t key) {
  const Result<bool> row = last_.Bind(1, key).Step();
  const std::int64_t last = row.ok() && row.value() ? last_.Int(0) : 0;
  last_.Reset();
  if (!row.ok()) return row.error();
  return last;
}

Status BlobTable::ListSeries(std::int64_t number, std::int64_t first_id, std::int64_t end_id,
                             std::vector<std::int64_t>& out) {
  list_.Bind(1, RowKey(number, first_id)).Bind(2, RowKey(number, end_id));
  Result<bool> row = list_.Step();
  for (; row.ok() && row.value(); row = list_.Step()) out.push_back(SeriesOfKey(list_.Int(0)));
  list_.Reset();
  return row.ok() ? Status::Ok() : Status(row.error());
}

Result<bool> BlobTable::DeleteBefore(std::int64_t key) {
  const Status deleted = delete_before_.Bind(1, key).Bind(2, kRowsPerStep).Run();
  if (!deleted.ok()) return deleted.error();
  const Result<std::int64_t> next = NextKey(0);
  if (!next.ok()) return next.error();
  return next.value() != 0 && next.value() < key;
}

Result<std::int64_t> BlobTable::OldestSeconds() {
  const Result<std::int64_t> key = NextKey(0);
  if (!key.ok() || key.value() == 0) return key;
  const std::int64_t number = NumberOfKey(key.value());
  std::int64_t position = grid_.positions - 1;
  const Status read = ForEachOf(number, [&position](const SeriesChunk& chunk) {
    position = std::min<std::int64_t>(position, chunk.at.front());
    return position > 0;
  });
  if (!read.ok()) return read.error();
  return grid_.StartOf(number) + position * grid_.interval_seconds;
}

Result<std::int64_t> BlobTable::NewestSeconds(std::int64_t until_seconds) {
  constexpr std::int64_t kLastNumber = NumberOfKey(INT64_MAX);
  const std::int64_t until_number = std::min(grid_.NumberOf(until_seconds), kLastNumber);
  const Result<std::int64_t> key = LastKey(RowKey(until_number, SeriesOfKey(INT64_MAX)));
  if (!key.ok() || key.value() == 0) return key;
  const std::int64_t number = NumberOfKey(key.value());
  const std::int64_t start_seconds = grid_.StartOf(number);
  std::int64_t newest_seconds = start_seconds;
  const Status read = ForEachOf(number, [&](const SeriesChunk& chunk) {
    for (const std::uint16_t position : chunk.at) {
      const std::int64_t seconds = start_seconds + position * grid_.interval_seconds;
      if (seconds <= until_seconds) newest_seconds = std::max(newest_seconds, seconds);
    }
    return newest_seconds < start_seconds + grid_.width_seconds() - grid_.interval_seconds;
  });
  if (!read.ok()) return read.error();
  return newest_seconds;
}

Status BlobTable::ForEachOf(std::int64_t number, const std::function<bool(const SeriesChunk&)>& take) {
  span_.Bind(1, RowKey(number, 0)).Bind(2, RowKey(number + 1, 0));
  Result<bool> row = span_.Step();
  for (bool more = true; row.ok() && row.value() && more; row = span_.Step()) {
    const auto chunk = DecodeChunk(span_.Blob(0), {.fields = 0});
    if (chunk.ok() && chunk.value().positions == grid_.positions) more = take(chunk.value());
  }
  span_.Reset();
  return row.ok() ? Status::Ok() : Status(row.error());
}

}  // namespace cloudmon::store
