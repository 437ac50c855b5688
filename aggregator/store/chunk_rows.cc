// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/chunk_rows.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace cloudmon::store {
namespace {

constexpr std::int64_t kIdsPerStep = 128;

// Both in ascending time; where both have a time the second counts. Without points the times are taken away.
SeriesSlice Joined(const SeriesSlice& old, std::span<const std::int64_t> times_seconds,
                   std::span<const series::Point> points) {
  SeriesSlice joined;
  std::size_t a = 0;
  std::size_t b = 0;
  while (a < old.times_seconds.size() || b < times_seconds.size()) {
    const bool from_old =
        b == times_seconds.size() || (a < old.times_seconds.size() && old.times_seconds[a] < times_seconds[b]);
    if (!from_old && a < old.times_seconds.size() && old.times_seconds[a] == times_seconds[b]) ++a;
    if (from_old || !points.empty()) {
      joined.times_seconds.push_back(from_old ? old.times_seconds[a] : times_seconds[b]);
      joined.points.push_back(from_old ? old.points[a] : points[b]);
    }
    ++(from_old ? a : b);
  }
  return joined;
}

// Calls `take` with the number of each span that the times lie in, and with their indexes.
template <class Take>
Status ForEachSpan(const Grid& grid, std::span<const std::int64_t> times_seconds, Take take) {
  for (std::size_t first = 0; first < times_seconds.size();) {
    const std::int64_t number = grid.NumberOf(times_seconds[first]);
    const auto end = std::lower_bound(times_seconds.begin() + static_cast<std::ptrdiff_t>(first), times_seconds.end(),
                                      grid.StartOf(number + 1));
    const std::size_t count = static_cast<std::size_t>(end - times_seconds.begin()) - first;
    if (Status taken = take(number, first, count); !taken.ok()) return taken;
    first += count;
  }
  return Status::Ok();
}

// Those from `first` on, or none.
std::span<const series::Point> PointsOf(std::span<const series::Point> points, std::size_t first, std::size_t count) {
  return points.empty() ? points : points.subspan(first, count);
}

}  // namespace

Result<ChunkRows> ChunkRows::Open(Connection& db, std::int64_t interval_seconds) {
  Result<BlobTable> parts = BlobTable::Open(db, "part", PartGrid(interval_seconds));
  if (!parts.ok()) return parts.error();
  Result<BlobTable> chunks = BlobTable::Open(db, "chunk", ChunkGrid(interval_seconds));
  if (!chunks.ok()) return chunks.error();
  return ChunkRows(db, std::move(parts.value()), std::move(chunks.value()));
}

Status ChunkRows::Merge(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                        std::span<const series::Point> points) {
  return points.empty() ? Status::Ok() : Change(series_id, times_seconds, points);
}

Status ChunkRows::Erase(std::int64_t series_id, std::span<const std::int64_t> times_seconds) {
  return Change(series_id, times_seconds, {});
}

Status ChunkRows::Change(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                         std::span<const series::Point> points) {
  return ForEachSpan(chunks_.grid(), times_seconds, [&](std::int64_t chunk, std::size_t first, std::size_t count) {
    const auto times = times_seconds.subspan(first, count);
    SeriesSlice old;
    const Result<bool> in_chunk = chunks_.Read(chunk, series_id, old);
    if (!in_chunk.ok()) return Status(in_chunk.error());
    if (in_chunk.value()) return ChangeRow(chunks_, old, series_id, times, PointsOf(points, first, count));
    return ForEachSpan(parts_.grid(), times, [&](std::int64_t part, std::size_t from, std::size_t n) {
      SeriesSlice old_part;
      const Result<bool> in_part = parts_.Read(part, series_id, old_part);
      if (!in_part.ok()) return Status(in_part.error());
      return ChangeRow(parts_, old_part, series_id, times.subspan(from, n), PointsOf(points, first + from, n));
    });
  });
}

Status ChunkRows::ChangeRow(BlobTable& table, const SeriesSlice& old, std::int64_t series_id,
                            std::span<const std::int64_t> times_seconds, std::span<const series::Point> points) {
  const SeriesSlice joined = Joined(old, times_seconds, points);
  return table.Write(table.grid().NumberOf(times_seconds.front()), series_id, joined.times_seconds, joined.points);
}

Status ChunkRows::MergeIntoChunks(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                                  std::span<const series::Point> points) {
  return ForEachSpan(chunks_.grid(), times_seconds, [&](std::int64_t chunk, std::size_t first, std::size_t count) {
    return Consolidate(chunk, series_id, times_seconds.subspan(first, count), points.subspan(first, count));
  });
}

// Makes one row of a series' chunk, its parts and further points.
Status ChunkRows::Consolidate(std::int64_t chunk, std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                              std::span<const series::Point> points) {
  SeriesSlice old;
  if (const auto read = chunks_.Read(chunk, series_id, old); !read.ok()) return read.error();
  SeriesSlice in_parts;
  for (std::int64_t part = chunk * kPartsOfChunk; part < (chunk + 1) * kPartsOfChunk; ++part) {
    const Result<bool> read = parts_.Read(part, series_id, in_parts);
    if (!read.ok()) return read.error();
    if (!read.value()) continue;
    if (Status deleted = parts_.Delete(part, series_id); !deleted.ok()) return deleted;
  }
  SeriesSlice all = old.points.empty() ? std::move(in_parts) : Joined(old, in_parts.times_seconds, in_parts.points);
  if (!points.empty()) all = Joined(all, times_seconds, points);
  return chunks_.Write(chunk, series_id, all.times_seconds, all.points);
}

// The first of them: as many as one step takes.
Result<std::vector<std::int64_t>> ChunkRows::SeriesWithParts(std::int64_t chunk) {
  std::int64_t first_id = INT64_MAX;
  const std::int64_t first_part = chunk * kPartsOfChunk;
  for (std::int64_t part = first_part; part < first_part + kPartsOfChunk; ++part) {
    const Result<std::int64_t> key = parts_.NextKey(RowKey(part, 0));
    if (!key.ok()) return key.error();
    if (NumberOfKey(key.value()) == part) first_id = std::min(first_id, SeriesOfKey(key.value()));
  }
  std::vector<std::int64_t> ids;
  for (std::int64_t part = first_part; part < first_part + kPartsOfChunk; ++part) {
    if (Status s = parts_.ListSeries(part, first_id, first_id + kIdsPerStep, ids); !s.ok()) return s.error();
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

Result<bool> ChunkRows::CompactStep(std::int64_t sealed_seconds) {
  const Result<std::int64_t> key = parts_.NextKey(0);
  if (!key.ok()) return key.error();
  const std::int64_t chunk = NumberOfKey(key.value()) / kPartsOfChunk;
  if (key.value() == 0 || chunks_.grid().StartOf(chunk + 1) > sealed_seconds) return false;
  Transaction transaction(*db_);
  Status status = transaction.Begin();
  if (!status.ok()) return status.error();
  const Result<std::vector<std::int64_t>> ids = SeriesWithParts(chunk);
  if (!ids.ok()) return ids.error();
  for (const std::int64_t id : ids.value()) {
    if (status.ok()) status = Consolidate(chunk, id, {}, {});
  }
  if (status.ok()) status = transaction.Commit();
  if (!status.ok()) return status.error();
  return true;
}

Result<bool> ChunkRows::DeleteStep(std::int64_t cutoff_seconds) {
  for (BlobTable* table : {&chunks_, &parts_}) {
    const std::int64_t number = table->grid().NumberOf(std::max<std::int64_t>(cutoff_seconds, 0));
    Result<bool> more = table->DeleteBefore(RowKey(number, 0));
    if (!more.ok() || more.value()) return more;
  }
  return false;
}

Result<ChunkReader> ChunkReader::Open(Connection& db, std::int64_t interval_seconds) {
  Result<BlobTable> parts = BlobTable::Open(db, "part", PartGrid(interval_seconds));
  if (!parts.ok()) return parts.error();
  Result<BlobTable> chunks = BlobTable::Open(db, "chunk", ChunkGrid(interval_seconds));
  if (!chunks.ok()) return chunks.error();
  return ChunkReader(std::move(parts.value()), std::move(chunks.value()));
}

Status ChunkReader::Read(const StoredSeries& series, std::int64_t start_seconds, std::int64_t end_seconds,
                         series::FieldMask fields, SeriesSlice& out) {
  const std::int64_t start = std::max(start_seconds, series.first_seconds);
  const std::int64_t end = std::min(end_seconds, series.last_seconds + kTouchSeconds);
  if (!parts_from_) {
    const Result<std::int64_t> first_part = parts_.NextKey(0);
    if (!first_part.ok()) return first_part.error();
    parts_from_ = first_part.value() == 0 ? INT64_MAX : NumberOfKey(first_part.value());
  }
  for (std::int64_t chunk = chunks_.grid().NumberOf(start); chunks_.grid().StartOf(chunk) < end; ++chunk) {
    const Result<bool> in_chunk = chunks_.Read(chunk, series.id, start, end, fields, out);
    if (!in_chunk.ok()) return in_chunk.error();
    if (in_chunk.value()) continue;
    const std::int64_t end_part = (chunk + 1) * kPartsOfChunk;
    for (std::int64_t part = std::max(chunk * kPartsOfChunk, *parts_from_); part < end_part; ++part) {
      if (parts_.grid().StartOf(part + 1) <= start || parts_.grid().StartOf(part) >= end) continue;
      const auto in_part = parts_.Read(part, series.id, start, end, fields, out);
      if (!in_part.ok()) return in_part.error();
    }
  }
  return Status::Ok();
}

Status ChunkReader::ReadNewest(const StoredSeries& series, std::int64_t since_seconds, std::int64_t until_seconds,
                               SeriesSlice& out) {
  const Grid& grid = chunks_.grid();
  const std::int64_t first = grid.NumberOf(std::max(series.first_seconds, since_seconds));
  const std::int64_t last_seconds = std::min(series.last_seconds + kTouchSeconds, until_seconds);
  for (std::int64_t chunk = grid.NumberOf(last_seconds); chunk >= first; --chunk) {
    SeriesSlice newest;
    const std::int64_t end_seconds = std::min(grid.StartOf(chunk + 1), last_seconds + 1);
    Status read = Read(series, grid.StartOf(chunk), end_seconds, series::kAllFields, newest);
    if (!read.ok()) return read;
    if (!newest.points.empty()) return Read(series, grid.StartOf(chunk - 1), end_seconds, series::kAllFields, out);
  }
  return Status::Ok();
}

Result<std::optional<std::int64_t>> ChunkReader::OldestSeconds() {
  std::optional<std::int64_t> oldest;
  for (BlobTable* table : {&chunks_, &parts_}) {
    const Result<std::int64_t> seconds = table->OldestSeconds();
    if (!seconds.ok()) return seconds.error();
    if (seconds.value() != 0) oldest = std::min(oldest.value_or(seconds.value()), seconds.value());
  }
  return oldest;
}

Result<std::optional<std::int64_t>> ChunkReader::NewestSeconds(std::int64_t until_seconds) {
  std::optional<std::int64_t> newest;
  for (BlobTable* table : {&chunks_, &parts_}) {
    const Result<std::int64_t> seconds = table->NewestSeconds(until_seconds);
    if (!seconds.ok()) return seconds.error();
    if (seconds.value() != 0) newest = std::max(newest.value_or(0), seconds.value());
  }
  return newest;
}

}  // namespace cloudmon::store
