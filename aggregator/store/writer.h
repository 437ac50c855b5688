// SPDX-License-Identifier: Apache-2.0
// The thread that writes buckets to the database, seals them, and deletes old ones.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/database.h"
#include "aggregator/store/database_writer.h"
#include "aggregator/store/head.h"
#include "common/clock.h"
#include "common/result.h"

namespace cloudmon::store {

struct WriterOptions {
  std::int64_t interval_seconds = 10, retention_seconds = 0;
  std::size_t head_points = 0;                  // which the head holds at most
  std::chrono::milliseconds job_timeout{5000};  // of ChangeSealed() and ReplaceSealed()
};

struct WriterStats {
  std::uint64_t buckets_written = 0, write_failures = 0;
  std::uint64_t buckets_lost = 0;  // left the memory before they could be written, or could not be replaced
  std::size_t queue = 0;
  std::int64_t oldest_stored_seconds = 0;  // 0: nothing is stored
};

// Thread-safe. A bucket that cannot be written stays in the queue while the head holds it, and is tried again with a
// growing delay and when the next one comes. A failure is logged when it begins and when it ends.
//
// Buckets are sealed a part at a time, kSealAfterPositions after its end, as what comes late is taken in more cheaply
// before; or sooner where the head is half full.
class Writer {
 public:
  // `head` and `clock` must outlive the writer.
  static Result<std::unique_ptr<Writer>> Start(Connection db, Head& head, const Clock& clock,
                                               const WriterOptions& options);
  // Writes what is queued, unless that fails, and ends the thread.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  // A bucket of the same time that is still queued is replaced.
  void Enqueue(HeadBucketPtr bucket);
  // Has `change` change the entries of each of some buckets, ascending, that are sealed, between what is queued, so
  // that nothing else does. Errors: kIo where the database fails, or is busy for too long: then it may still be
  // written.
  Status ChangeSealed(const std::vector<std::int64_t>& times_seconds,
                      const std::function<void(series::Bucket&)>& change);
  // Puts a bucket in the place of the sealed one of its time. Errors likewise; where it fails, now or later, the bucket
  // is lost.
  Status ReplaceSealed(series::Bucket bucket);
  void SetRetention(std::int64_t retention_seconds);
  // What is before this may be deleted: the retention counts back from the newest bucket, or from the clock where that
  // is earlier, so that one bucket stamped in the far future does not cost the history.
  [[nodiscard]] std::int64_t CutoffSeconds(std::int64_t newest_bucket_seconds) const;
  [[nodiscard]] WriterStats Stats() const;

 private:
  Writer(Connection db, Head& head, const Clock& clock, const WriterOptions& options)
      : db_(std::move(db)),
        head_(head),
        clock_(clock),
        options_(options),
        retention_seconds_(options.retention_seconds) {}

  // What another thread has this one do with the connection.
  struct Job {
    std::function<Status()> work;
    bool loses_bucket;             // where it fails
    std::optional<Status> status;  // once it is done; guarded by mutex_
  };

  Status Do(std::function<Status()> work, bool loses_bucket = false);
  void RunJobs();
  void End(Job& job, Status status);  // requires mutex_
  void Run();
  bool Wait();
  [[nodiscard]] HeadBucketPtr Front() const;
  void CountChanged(const Status& status, std::int64_t oldest_seconds);
  void DropUnwritable();  // requires mutex_
  Status Write(const HeadBucketPtr& bucket);
  void Finish(const HeadBucketPtr& bucket, const Status& status);
  void Seal(std::int64_t written_seconds);
  Status SealBefore(std::int64_t seconds);
  void Housekeep(std::int64_t newest_seconds);
  Status HousekeepStep(std::int64_t newest_seconds);
  // Logs when something begins to fail, and when it ends.
  static void Note(const Status& status, const char* what, bool& failing);

  // Used by the thread alone once it runs.
  Connection db_;
  Head& head_;
  const Clock& clock_;
  const WriterOptions options_;
  std::unique_ptr<DatabaseWriter> database_;
  std::int64_t next_housekeeping_seconds_ = 0;
  bool sealing_fails_ = false, housekeeping_fails_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;     // a job is
  std::deque<HeadBucketPtr> queue_;  // ascending; guarded by mutex_, like all below
  std::deque<std::shared_ptr<Job>> jobs_;
  WriterStats stats_;
  std::int64_t retention_seconds_;
  std::int64_t sealed_before_seconds_ = 0;  // what left the head before this is not lost
  int failures_in_row_ = 0;
  bool retry_now_ = false;  // a new bucket came
  bool more_to_do_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cloudmon::store
