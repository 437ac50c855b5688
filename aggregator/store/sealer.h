// SPDX-License-Identifier: Apache-2.0
// Turns buckets by series: from whole buckets to the blobs of tables `part` and `chunk`.
#pragma once

#include <cstdint>
#include <span>

#include "aggregator/store/bucket_document.h"
#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "common/result.h"

namespace cloudmon::store {

// A bucket whose rows belong to the series with these numbers.
struct NumberedBucket {
  std::int64_t time_seconds = 0;
  std::array<DocumentBlock, series::kKindCount> blocks;
};

// Merges the buckets, in ascending time, into the rows of their series, within the caller's transaction.
Status SealBuckets(ChunkRows& rows, std::span<const NumberedBucket> buckets);

// Seals the journal's buckets before `before_seconds`, oldest first, a part at a time, each a transaction: for what no
// head holds. Returns how many buckets there were; damaged ones are left out, and logged.
Result<std::size_t> SealJournal(Connection& db, std::int64_t interval_seconds, std::int64_t before_seconds);

}  // namespace cloudmon::store
