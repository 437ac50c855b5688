// SPDX-License-Identifier: Apache-2.0
// The rows of table `part` or `chunk`, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/chunk_codec.h"
#include "aggregator/store/database.h"
#include "aggregator/store/grid.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread, the one of the connection. Errors: as Connection::Execute().
class BlobTable {
 public:
  // `name`: "part" or "chunk".
  static Result<BlobTable> Open(Connection& db, std::string name, Grid grid);

  [[nodiscard]] const Grid& grid() const { return grid_; }

  // Appends the row's points with start <= time < end to `out`. Returns whether there is a row; that of a damaged one
  // gives no points, and the first is logged.
  Result<bool> Read(std::int64_t number, std::int64_t series_id, std::int64_t start_seconds, std::int64_t end_seconds,
                    series::FieldMask fields, SeriesSlice& out);
  // The whole row.
  Result<bool> Read(std::int64_t number, std::int64_t series_id, SeriesSlice& out);

  // Puts a row in the place of what is there; none where there are no points. Times are the span's.
  Status Write(std::int64_t number, std::int64_t series_id, const std::vector<std::int64_t>& times_seconds,
               const std::vector<series::Point>& points);
  Status Delete(std::int64_t number, std::int64_t series_id);

  // The smallest key at or after `key`; 0: there is none.
  Result<std::int64_t> NextKey(std::int64_t key);
  // The largest key at or before `key`; 0: there is none.
  Result<std::int64_t> LastKey(std::int64_t key);
  // Which of the series with first_id <= id < end_id have a row, ascending, appended to `out`.
  Status ListSeries(std::int64_t number, std::int64_t first_id, std::int64_t end_id, std::vector<std::int64_t>& out);
  // Deletes the first rows before `key`, some at a time. Returns whether there may be more.
  Result<bool> DeleteBefore(std::int64_t key);

  // The time of the oldest point; 0: there is none.
  Result<std::int64_t> OldestSeconds();
  // The time of the newest point at or before `until_seconds`, or where its span has only later ones, the span's start;
  // 0: there is none.
  Result<std::int64_t> NewestSeconds(std::int64_t until_seconds);

 private:
  BlobTable(std::string name, Grid grid) : name_(std::move(name)), grid_(grid) {}
  // Calls `take` with the chunk, without values, of each row of a span until it returns false.
  Status ForEachOf(std::int64_t number, const std::function<bool(const SeriesChunk&)>& take);
  void NoteDamage(std::int64_t number, std::int64_t series_id, const Error& error);

  std::string name_;
  Grid grid_;
  Statement read_, write_, delete_, next_, last_, list_, delete_before_, span_;
  bool damage_noted_ = false;
};

}  // namespace cloudmon::store
