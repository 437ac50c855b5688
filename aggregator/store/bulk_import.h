// SPDX-License-Identifier: Apache-2.0
// Puts many points into a database that no aggregator runs on: first into a staging file beside it, in any order and in
// little memory, then bucket by bucket into the database. Both steps go on where an earlier run stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aggregator/series/model.h"
#include "aggregator/store/bucket_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/import_staging.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/result.h"

namespace cloudmon::store {

// One thread. After an error of Add() or EndPart() the part is begun again; after one of Merge() it can be called
// again.
class BulkImport {
 public:
  // Locks the directory and opens or makes database and staging file (import.db). `source` describes the input: a
  // staging file of another one is begun anew. `clock` must outlive it. Errors: kDenied where the directory cannot be
  // written or an aggregator runs there, kParse where the database is damaged, kInvalid where it has another interval,
  // kIo; the message names storage.path.
  static Result<std::unique_ptr<BulkImport>> Open(const StoreOptions& options, const std::string& source,
                                                  const Clock& clock);

  // Whether the part was staged completely, now or by an earlier run.
  [[nodiscard]] bool IsStaged(std::string_view part) const { return staging_->IsComplete(part); }
  // Begins a part that is not staged; forgets one that was begun and not ended.
  Status BeginPart(std::string_view part);
  // Of what is given for one member and time, each field's first value counts. Errors: kInvalid where the time is not
  // the start of a bucket or lies in the future; kIo.
  Status Add(std::int64_t time_seconds, const series::Member& member, const series::Point& point);
  Status EndPart();

  struct Report {
    std::size_t buckets = 0, entries = 0;  // merged by this run
    std::size_t too_old_buckets = 0;       // older than the retention, and left out
    bool complete = false;                 // false: it was stopped
  };
  // Merges the staged parts into the database in the order of time. When all are, the staging file is deleted, and
  // nothing else can be called. In each
  // bucket entries of the same member are replaced, others stay. `progress` is told how many buckets of how many are
  // done, before the first and then now and then, when these are committed; false stops. Errors: kIo.
  Result<Report> Merge(const std::function<bool(std::size_t done, std::size_t total)>& progress);

 private:
  BulkImport(const StoreOptions& options, UniqueFd lock, Connection db, ImportStaging staging, const Clock& clock);

  struct Batch {
    std::size_t buckets = 0, entries = 0;
    std::int64_t last_seconds = 0;
    bool more = true;
  };
  Result<std::int64_t> CutoffSeconds();
  Result<Batch> MergeBatch(BucketReader& reader, BucketWriter& writer);
  Status MergeBucket(series::Bucket bucket, BucketReader& reader, BucketWriter& writer);
  Result<Report> MergeFrom(std::int64_t start_seconds, std::size_t done, std::size_t total,
                           const std::function<bool(std::size_t, std::size_t)>& progress);

  const StoreOptions options_;
  const Clock& clock_;
  const UniqueFd lock_;
  Connection db_;
  const std::string staging_file_;
  std::unique_ptr<ImportStaging> staging_;  // null once it is merged
  std::string part_;                        // that was begun
};

}  // namespace cloudmon::store
