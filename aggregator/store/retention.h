// SPDX-License-Identifier: Apache-2.0
// Deletes what is older than the retention, in steps small enough to run between two buckets.
#pragma once

#include <cstdint>

#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread, the one of the connection.
class Retention {
 public:
  static Result<Retention> Open(Connection& db, std::int64_t interval_seconds);

  // Deletes the oldest buckets before `cutoff_seconds`, a few at a time, and gives back space when much of the file is
  // free. Returns whether there is more to do.
  Result<bool> Step(std::int64_t cutoff_seconds);
  // The start of the oldest stored bucket; 0: there is none.
  Result<std::int64_t> OldestSeconds();

 private:
  explicit Retention(Connection& db, std::int64_t interval_seconds) : db_(&db), interval_seconds_(interval_seconds) {}
  Result<bool> GiveBackSpace();

  Connection* db_;
  std::int64_t interval_seconds_;
  Statement delete_, oldest_;
};

}  // namespace cloudmon::store
