// SPDX-License-Identifier: Apache-2.0
// Fills the head from the database after a start.
#pragma once

#include <cstddef>
#include <cstdint>

#include "aggregator/store/database.h"
#include "aggregator/store/head.h"
#include "common/result.h"

namespace cloudmon::store {

struct ReadBackReport {
  std::size_t buckets = 0;
  std::size_t damaged_buckets = 0;  // were left out; the first is logged
};

// Reads the journal's buckets after a time and up to another, newest first, until the head is full. Error: kParse where
// the database is damaged.
Result<ReadBackReport> ReadBack(Connection& db, Head& head, std::int64_t after_seconds, std::int64_t until_seconds);

}  // namespace cloudmon::store
