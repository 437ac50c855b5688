// SPDX-License-Identifier: Apache-2.0
// Table `series`: who is behind the numbers by which blobs and bucket documents name members, and when they were there.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/database.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::store {

// `last_seconds` is not written with each bucket, which would double the work, but once in this time: a series may have
// points until this long after it.
inline constexpr std::int64_t kTouchSeconds = 3600;

struct StoredSeries {
  std::int64_t id = 0;  // 1 to 2^32 - 1
  series::MemberPtr member;
  std::int64_t first_seconds = 0, last_seconds = 0;  // no bucket before the first; see kTouchSeconds for the last
};

// One thread, the one of the connection. Errors: as Connection::Execute(); kLimit when there are no numbers left.
class SeriesTable {
 public:
  static Result<SeriesTable> Open(Connection& db);

  // The member's number. Within the caller's transaction its row is inserted, or widened to `first_seconds` and
  // `last_seconds` where it does not reach so far.
  Result<std::int64_t> Use(const series::Member& member, std::int64_t first_seconds, std::int64_t last_seconds);

  Result<std::optional<StoredSeries>> Find(const series::Member& member);
  // The members that match and may have points with start <= time < end, ordered by member.
  Result<std::vector<StoredSeries>> Find(const Selector& selector, std::int64_t start_seconds,
                                         std::int64_t end_seconds);
  // Null where there is no such number.
  Result<series::MemberPtr> MemberOf(std::int64_t id);

  // Deletes rows of series that cannot have points from `oldest_seconds` on, some at a time. Returns whether there may
  // be more. The next call after it was false begins anew.
  Result<bool> DeleteStep(std::int64_t oldest_seconds);

 private:
  struct Row {
    std::int64_t id, first_seconds, last_seconds;
  };
  explicit SeriesTable(Connection& db) : db_(&db) {}
  Result<std::optional<Row>> FindRow(const series::Member& member);
  Result<std::int64_t> FirstId(std::int64_t from_id);
  Result<std::int64_t> Insert(const series::Member& member, std::int64_t first_seconds, std::int64_t last_seconds);
  Result<std::int64_t> NewId(series::Kind kind);

  Connection* db_;
  Statement by_name_, named_, of_kind_, scan_, by_id_, last_id_, insert_, widen_, delete_;
  std::int64_t next_id_ = 0;  // of DeleteStep()
};

}  // namespace cloudmon::store
