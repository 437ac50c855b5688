// SPDX-License-Identifier: Apache-2.0
// What the store's thread does with its connection: the journal, sealing, late changes, and the work between buckets.
#pragma once

#include <cstdint>
#include <memory>

#include "aggregator/series/model.h"
#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/head.h"
#include "aggregator/store/journal.h"
#include "aggregator/store/retention.h"
#include "aggregator/store/series_table.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread. What a call changes it changes whole or not at all. Errors: as Connection::Execute().
class DatabaseWriter {
 public:
  // `db` and `head` must outlive it.
  static Result<std::unique_ptr<DatabaseWriter>> Open(Connection& db, Head& head, std::int64_t interval_seconds);

  // Writes a bucket of the head to the journal.
  Status Write(const HeadBucket& bucket);

  // Seals the head's buckets before `before_seconds`, and what the journal has that the head does not; then the head
  // lets go of them, unless one was amended meanwhile: true where the call is to be repeated.
  Result<bool> Seal(std::int64_t before_seconds);

  // A bucket that is sealed, with all its entries; none where there is none.
  Result<series::Bucket> ReadSealed(std::int64_t time_seconds);
  // Puts `after` in the place of `before`, which was read.
  Status ChangeSealed(const series::Bucket& before, const series::Bucket& after);

  // Some of the work that can wait: sealed parts to chunks, and what is older than `cutoff_seconds` away, with its
  // series. Returns whether there is more.
  Result<bool> Housekeep(std::int64_t cutoff_seconds);

  // The oldest bucket that is stored; 0: there is none.
  Result<std::int64_t> OldestSeconds();

 private:
  DatabaseWriter(Connection& db, Head& head, std::int64_t interval_seconds)
      : db_(db), head_(head), interval_seconds_(interval_seconds) {}
  Status Prepare();
  Status SealOrphans();
  Status SealInTransaction(const std::vector<HeadBucketPtr>& buckets, std::int64_t before_seconds);
  Status ChangeInTransaction(const series::Bucket& before, const series::Bucket& after);

  Connection& db_;
  Head& head_;
  const std::int64_t interval_seconds_;
  std::unique_ptr<SeriesTable> series_;
  std::unique_ptr<SeriesNumbers> numbers_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<ChunkRows> chunks_;
  std::unique_ptr<ChunkReader> reader_;
  std::unique_ptr<Retention> retention_;
  std::int64_t series_cutoff_seconds_ = 0;  // for which all of `series` was looked through last
};

}  // namespace cloudmon::store
