// SPDX-License-Identifier: Apache-2.0
// Table `bucket`: buckets that are not sealed yet, one document each.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "aggregator/store/bucket_document.h"
#include "aggregator/store/database.h"
#include "aggregator/store/head.h"
#include "aggregator/store/series_table.h"
#include "common/result.h"

namespace cloudmon::store {

// The numbers of a bucket's series, by Kind and row.
using SeriesIds = std::array<std::shared_ptr<const std::vector<std::int64_t>>, series::kKindCount>;

// Finds the numbers of the head's members. One thread, the one of the connection.
class SeriesNumbers {
 public:
  static Result<SeriesNumbers> Open(Connection& db);

  // Of a bucket of `head`. Rows of `series` are inserted and touched within the caller's transaction. Error: kGone
  // where the head no longer names its members.
  Result<SeriesIds> Of(const HeadBucket& bucket, const Head& head);
  // After the caller's transaction: what it changed is remembered, or not.
  void Committed();
  void RolledBack();

  // Forgets the numbers of members that the head no longer names.
  void Forget(const Head& head);

 private:
  struct Row {
    std::int64_t id, first_seconds, last_seconds;  // what its row reaches over
  };
  explicit SeriesNumbers(SeriesTable table) : table_(std::move(table)) {}
  Result<std::int64_t> IdOf(Slot slot, std::int64_t time_seconds, const Head& head);

  SeriesTable table_;
  std::unordered_map<Slot, Row> known_;
  std::vector<std::pair<Slot, Row>> changed_;  // in the open transaction
  // The last answer: most buckets have the members of the one before.
  std::array<SlotsPtr, series::kKindCount> slots_;
  SeriesIds ids_;
  std::int64_t asked_seconds_ = 0;  // the bucket for which all of them were looked up
};

// One thread, the one of the connection. Errors: as Connection::Execute().
class Journal {
 public:
  static Result<Journal> Open(Connection& db);

  // Within the caller's transaction; a document of the same time is replaced.
  Status Write(const HeadBucket& bucket, const SeriesIds& ids);
  // Nothing where there is no such bucket.
  Status Delete(std::int64_t time_seconds);
  // The oldest bucket; 0: there is none.
  Result<std::int64_t> OldestSeconds();

 private:
  Statement write_, delete_, oldest_;
};

// Calls `take` with the journal's documents after a time and up to another, from the newest to the oldest, until it
// returns false. Damaged ones are left out, and logged; returns how many. An error of `take` ends it.
Result<std::size_t> ReadJournal(
    Connection& db, std::int64_t after_seconds, std::int64_t until_seconds,
    const std::function<Result<bool>(std::int64_t time_seconds, BucketDocument document)>& take);

}  // namespace cloudmon::store
