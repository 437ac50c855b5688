// SPDX-License-Identifier: Apache-2.0
// Deletes what is older than the retention, in steps small enough to run between two buckets.
#pragma once

#include <cstdint>

#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread, the one of the connection.
class Retention {
 public:
  // `rows` must outlive it.
  static Result<Retention> Open(Connection& db, ChunkRows& rows) { return Retention(db, rows); }

  // Deletes chunks and parts that end at or before `cutoff_seconds`, some rows at a time, and gives back space when
  // much of the file is free. Returns whether there is more to do.
  Result<bool> Step(std::int64_t cutoff_seconds);

 private:
  Retention(Connection& db, ChunkRows& rows) : db_(&db), rows_(&rows) {}
  Result<bool> GiveBackSpace();

  Connection* db_;
  ChunkRows* rows_;
};

}  // namespace cloudmon::store
