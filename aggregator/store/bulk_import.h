// SPDX-License-Identifier: Apache-2.0
// Puts many points into a database that no aggregator runs on: first into a staging file beside it, in any order and in
// little memory, then chunk by chunk into the database. Both steps go on where an earlier run stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "aggregator/series/model.h"
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
  // staging file of another one, or of another interval, is begun anew. `clock` must outlive it. Errors: kDenied where
  // the directory cannot be written or an aggregator runs there, kParse where the database is damaged, kInvalid where
  // it has another interval, kIo; the message names storage.path.
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
    std::size_t entries = 0;          // merged, also by earlier runs from which this one went on
    std::size_t buckets = 0;          // staged ones within the retention
    std::size_t too_old_buckets = 0;  // the others, which are left out
    bool complete = false;            // false: it was stopped
  };
  // Points of one transaction: so many that syncing it costs little, and few enough for the -wal file.
  static constexpr std::size_t kBatchPoints = 200'000;
  // Merges the staged parts into the database in the order of time. When all are, the staging file is deleted, and
  // nothing else can be called. In each bucket entries of the same member are replaced, others stay. `progress` is told
  // how many staged entries of how many are done, before the first and then now and then, when these are committed;
  // false stops. Errors: kIo.
  Result<Report> Merge(const std::function<bool(std::size_t done, std::size_t total)>& progress,
                       std::size_t batch_points = kBatchPoints);
  // Deletes the staging file, of input that is refused; nothing else can be called.
  Status Discard();

 private:
  BulkImport(const StoreOptions& options, UniqueFd lock, Connection db, ImportStaging staging, const Clock& clock);

  Result<std::int64_t> CutoffSeconds();
  Result<Report> MergeFrom(std::int64_t from_seconds, std::size_t batch_points,
                           const std::function<bool(std::size_t, std::size_t)>& progress);

  const StoreOptions options_;
  const Clock& clock_;
  const UniqueFd lock_;
  Connection db_;
  const std::string staging_file_;
  std::unique_ptr<ImportStaging> staging_;  // null once it is merged or discarded
  std::string part_;                        // that was begun
};

}  // namespace cloudmon::store
