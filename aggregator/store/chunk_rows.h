// SPDX-License-Identifier: Apache-2.0
// Tables `part` and `chunk`: the blobs in which the points of a series lie. A bucket of a series is in one of both. The
// blobs' format is in docs/store_format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "aggregator/series/model.h"
#include "aggregator/store/blob_table.h"
#include "aggregator/store/database.h"
#include "aggregator/store/grid.h"
#include "aggregator/store/series_table.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// Writes blobs. One thread, the one of the connection. Errors: as Connection::Execute(). A blob that is damaged is
// logged and counts as if it were not there.
class ChunkRows {
 public:
  static Result<ChunkRows> Open(Connection& db, std::int64_t interval_seconds);

  // Points of one series, within the caller's transaction. `times_seconds` rise strictly, are not negative, and are
  // multiples of the interval; `points` are as many. A stored point of the same time is replaced. Where the chunk of a
  // time has a row of the series they go there, else into the part's.
  Status Merge(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
               std::span<const series::Point> points);
  // The same into chunks only: parts that are there are taken into them. For large imports.
  Status MergeIntoChunks(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                         std::span<const series::Point> points);
  // Takes points away, where there are any. Times as above.
  Status Erase(std::int64_t series_id, std::span<const std::int64_t> times_seconds);

  // Turns the parts of chunks that end at or before `sealed_seconds` into chunks, some series at a time, each step a
  // transaction of its own. Returns whether there is more to do.
  Result<bool> CompactStep(std::int64_t sealed_seconds);

  // Deletes chunks and parts that end at or before `cutoff_seconds`, some rows at a time. Returns whether there is more
  // to do.
  Result<bool> DeleteStep(std::int64_t cutoff_seconds);

 private:
  ChunkRows(Connection& db, BlobTable parts, BlobTable chunks)
      : db_(&db), parts_(std::move(parts)), chunks_(std::move(chunks)) {}
  Status Change(std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                std::span<const series::Point> points);
  Status ChangeRow(BlobTable& table, const SeriesSlice& old, std::int64_t series_id,
                   std::span<const std::int64_t> times_seconds, std::span<const series::Point> points);
  Status Consolidate(std::int64_t chunk, std::int64_t series_id, std::span<const std::int64_t> times_seconds,
                     std::span<const series::Point> points);
  Result<std::vector<std::int64_t>> SeriesWithParts(std::int64_t chunk);

  Connection* db_;
  BlobTable parts_, chunks_;
};

// Reads blobs, from any connection. One thread, the one of the connection.
class ChunkReader {
 public:
  static Result<ChunkReader> Open(Connection& db, std::int64_t interval_seconds);

  // To be called where a transaction begins, or the database may have changed since the last read.
  void Begin() { parts_from_.reset(); }

  // Appends the series' points with start <= time < end to `out`, in ascending time. To be called within a read
  // transaction, or what moves from parts to chunks meanwhile may be missed. Of each point only `fields` are read.
  // Damaged blobs are gaps, and logged.
  Status Read(const StoredSeries& series, std::int64_t start_seconds, std::int64_t end_seconds,
              series::FieldMask fields, SeriesSlice& out);
  // Its newest points at or before `until_seconds`: those of the newest chunk of time that has any, and of the one
  // before. Nothing where there is none since `since_seconds`. As Read().
  Status ReadNewest(const StoredSeries& series, std::int64_t since_seconds, std::int64_t until_seconds,
                    SeriesSlice& out);

  // The oldest bucket in a chunk or part, and the newest at or before `until_seconds` (or, where there are later ones,
  // a time shortly before); nullopt: there is none.
  Result<std::optional<std::int64_t>> OldestSeconds();
  Result<std::optional<std::int64_t>> NewestSeconds(std::int64_t until_seconds);

 private:
  ChunkReader(BlobTable parts, BlobTable chunks) : parts_(std::move(parts)), chunks_(std::move(chunks)) {}

  BlobTable parts_, chunks_;
  std::optional<std::int64_t> parts_from_;  // the number of the oldest part, once it was asked for
};

}  // namespace cloudmon::store
