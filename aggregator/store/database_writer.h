// SPDX-License-Identifier: Apache-2.0
// What the store's thread does with its connection: the journal, sealing, late changes, and the work between buckets.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/bucket_changes.h"
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

  // Writes a bucket of the head to the journal, or where it is sealed already, what was amended since to the series.
  Status Write(const HeadBucketPtr& bucket);

  // Seals the head's buckets before `before_seconds`; then the head lets go of them.
  Status Seal(std::int64_t before_seconds);
  // Seals what the journal has that the head does not: buckets that left a full head, as the database was slow or could
  // not be written.
  Status SealOrphans();

  // The buckets of these times, ascending, which are sealed: with all their entries; none where there is none.
  Result<std::vector<series::Bucket>> ReadSealed(std::span<const std::int64_t> times_seconds);
  // Puts `after` in the place of `before`, which was read; as many, of the same times.
  Status ChangeSealed(const std::vector<series::Bucket>& before, const std::vector<series::Bucket>& after);

  // Some of the work that can wait: sealed parts to chunks, and what is older than `cutoff_seconds` away, with its
  // series. Returns whether there is more.
  Result<bool> Housekeep(std::int64_t cutoff_seconds);

  // The oldest bucket that is stored; 0: there is none.
  Result<std::int64_t> OldestSeconds();

 private:
  DatabaseWriter(Connection& db, Head& head, std::int64_t interval_seconds)
      : db_(db), head_(head), interval_seconds_(interval_seconds) {}
  Status Prepare();
  Status SealAll(const std::vector<HeadBucketPtr>& buckets);
  Status SealFresh(const std::vector<HeadBucketPtr>& buckets);
  Status WriteAmended(const HeadBucket& sealed, const HeadBucket& amended);
  Result<series::Bucket> Unpack(const HeadBucket& bucket) const;
  Status WriteChanges(const std::vector<series::Bucket>& before, const std::vector<series::Bucket>& after);
  Status WriteChange(const SeriesChange& change);

  Connection& db_;
  Head& head_;
  const std::int64_t interval_seconds_;
  std::unique_ptr<SeriesTable> series_;
  std::unique_ptr<SeriesNumbers> numbers_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<ChunkRows> chunks_;
  std::unique_ptr<ChunkReader> reader_;
  std::unique_ptr<Retention> retention_;
  std::map<std::int64_t, HeadBucketPtr> sealed_;  // by time: such as the head has still; never in the journal
  std::int64_t series_cutoff_seconds_ = 0;        // for which all of `series` was looked through last
};

}  // namespace cloudmon::store
