// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "aggregator/store/grid.h"

namespace cloudmon::store {
namespace {

constexpr std::int64_t kHousekeepEverySeconds = 60;  // of bucket time
constexpr std::int64_t kSealAfterPositions = 6;

std::chrono::milliseconds RetryDelay(int failures_in_row) {
  constexpr int kMostDoublings = 6;
  return std::chrono::milliseconds(250) * (1 << std::min(failures_in_row - 1, kMostDoublings));  // up to 16 s
}

}  // namespace

Result<std::unique_ptr<Writer>> Writer::Start(Connection db, Head& head, const Clock& clock,
                                              const WriterOptions& options) {
  std::unique_ptr<Writer> writer(new Writer(std::move(db), head, clock, options));
  Result<std::unique_ptr<DatabaseWriter>> database = DatabaseWriter::Open(writer->db_, head, options.interval_seconds);
  if (!database.ok()) return database.error();
  writer->database_ = std::move(database.value());
  const Result<std::int64_t> oldest = writer->database_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  writer->stats_.oldest_stored_seconds = oldest.value();
  writer->sealed_before_seconds_ = head.oldest_seconds().value_or(0);
  writer->thread_ = std::thread([raw = writer.get()] { raw->Run(); });
  return writer;
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Writer::Enqueue(HeadBucketPtr bucket) {
  {
    std::lock_guard lock(mutex_);
    const auto at = std::lower_bound(
        queue_.begin(), queue_.end(), bucket->time_seconds,
        [](const HeadBucketPtr& queued, std::int64_t seconds) { return queued->time_seconds < seconds; });
    if (at != queue_.end() && (*at)->time_seconds == bucket->time_seconds) {
      *at = std::move(bucket);
    } else {
      queue_.insert(at, std::move(bucket));
    }
    retry_now_ = true;
    DropUnwritable();
  }
  wake_.notify_all();
}

Status Writer::ChangeSealed(const std::vector<std::int64_t>& times_seconds,
                            const std::function<void(series::Bucket&)>& change) {
  // Both outlive this call where it gives up.
  const auto before = std::make_shared<std::vector<series::Bucket>>();
  const auto after = std::make_shared<std::vector<series::Bucket>>();
  Status status = Do([this, times_seconds, before]() -> Status {
    Result<std::vector<series::Bucket>> read = database_->ReadSealed(times_seconds);
    if (!read.ok()) return read.error();
    *before = std::move(read.value());
    return Status::Ok();
  });
  if (status.ok()) {
    *after = *before;
    for (series::Bucket& bucket : *after) change(bucket);
    status = Do([this, before, after] {
      Status changed = database_->ChangeSealed(*before, *after);
      CountChanged(changed, after->front().time_seconds);
      return changed;
    });
  }
  return status.ok() ? status : Error{ErrorCode::kIo, status.error().message};
}

Status Writer::ReplaceSealed(series::Bucket bucket) {
  const std::int64_t time_seconds = bucket.time_seconds;
  auto replace = [this, time_seconds, after = std::vector{std::move(bucket)}]() -> Status {
    const Result<std::vector<series::Bucket>> before = database_->ReadSealed({&time_seconds, 1});
    if (!before.ok()) return before.error();
    Status changed = database_->ChangeSealed(before.value(), after);
    CountChanged(changed, time_seconds);
    return changed;
  };
  Status status = Do(std::move(replace), true);
  return status.ok() ? status : Error{ErrorCode::kIo, status.error().message};
}

void Writer::CountChanged(const Status& status, std::int64_t oldest_seconds) {
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    ++stats_.write_failures;
    return;
  }
  const std::int64_t stored_seconds = stats_.oldest_stored_seconds;
  stats_.oldest_stored_seconds = stored_seconds == 0 ? oldest_seconds : std::min(stored_seconds, oldest_seconds);
}

// Waits until the thread has done the work, but not for ever. What it has begun by then it ends.
Status Writer::Do(std::function<Status()> work, bool loses_bucket) {
  const auto job = std::make_shared<Job>(Job{std::move(work), loses_bucket, {}});
  std::unique_lock lock(mutex_);
  jobs_.push_back(job);
  wake_.notify_all();
  if (done_.wait_for(lock, options_.job_timeout, [&job] { return job->status.has_value(); })) return *job->status;
  const Error busy{ErrorCode::kIo, "the database is busy"};
  if (std::erase(jobs_, job) == 0) return Error{ErrorCode::kIo, busy.message + "; it may still be written"};
  End(*job, busy);
  return busy;
}

void Writer::End(Job& job, Status status) {
  if (!status.ok() && job.loses_bucket) ++stats_.buckets_lost;
  job.status = std::move(status);
}

void Writer::RunJobs() {
  std::unique_lock lock(mutex_);
  while (!jobs_.empty()) {
    const std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    Status status = job->work();
    lock.lock();
    End(*job, std::move(status));
    done_.notify_all();
  }
}

// What the head has dropped is lost, unless it was sealed: the queue is bounded by the head's memory.
void Writer::DropUnwritable() {
  const std::int64_t oldest_seconds = head_.oldest_seconds().value_or(0);
  while (!queue_.empty() && queue_.front()->time_seconds < oldest_seconds) {
    if (queue_.front()->time_seconds >= sealed_before_seconds_) ++stats_.buckets_lost;
    queue_.pop_front();
  }
}

void Writer::SetRetention(std::int64_t retention_seconds) {
  {
    std::lock_guard lock(mutex_);
    retention_seconds_ = retention_seconds;
    more_to_do_ = true;
  }
  wake_.notify_all();
}

std::int64_t Writer::CutoffSeconds(std::int64_t newest_bucket_seconds) const {
  std::lock_guard lock(mutex_);
  return std::min(newest_bucket_seconds, clock_.NowMs() / 1000) - retention_seconds_;
}

WriterStats Writer::Stats() const {
  std::lock_guard lock(mutex_);
  WriterStats stats = stats_;
  stats.queue = queue_.size();
  return stats;
}

void Writer::Run() {
  while (Wait()) {
    RunJobs();
    const HeadBucketPtr bucket = Front();
    if (bucket && Write(bucket).ok()) Seal(bucket->time_seconds);
    Housekeep(bucket ? bucket->time_seconds : head_.newest_seconds().value_or(0));
  }
  while (const HeadBucketPtr bucket = Front()) {
    if (Write(bucket).ok()) continue;
    spdlog::error("storage: stopped with {} buckets not written", Stats().queue);
    return;
  }
}

// Until there is something to write or to delete. False: the writer is to stop.
bool Writer::Wait() {
  std::unique_lock lock(mutex_);
  if (failures_in_row_ > 0) {
    wake_.wait_for(lock, RetryDelay(failures_in_row_), [this] { return stop_ || retry_now_ || !jobs_.empty(); });
  } else {
    wake_.wait(lock, [this] { return stop_ || more_to_do_ || !queue_.empty() || !jobs_.empty(); });
  }
  retry_now_ = false;
  return !stop_;
}

HeadBucketPtr Writer::Front() const {
  std::lock_guard lock(mutex_);
  return queue_.empty() ? nullptr : queue_.front();
}

Status Writer::Write(const HeadBucketPtr& bucket) {
  Status status = database_->Write(bucket);
  Finish(bucket, status);
  return status;
}

void Writer::Finish(const HeadBucketPtr& bucket, const Status& status) {
  std::lock_guard lock(mutex_);
  if (!status.ok()) {
    ++stats_.write_failures;
    if (failures_in_row_++ == 0) {
      spdlog::error("storage: bucket {} is not written: {}; trying again, and buckets stay in memory meanwhile",
                    bucket->time_seconds, status.error().message);
    }
    DropUnwritable();
    return;
  }
  if (failures_in_row_ > 0) {
    spdlog::info("storage: written again after {} failures; {} buckets were lost", failures_in_row_,
                 stats_.buckets_lost);
  }
  failures_in_row_ = 0;
  ++stats_.buckets_written;
  if (stats_.oldest_stored_seconds == 0) stats_.oldest_stored_seconds = bucket->time_seconds;
  std::erase(queue_, bucket);  // not there where it was lost or replaced while it was written
}

void Writer::Seal(std::int64_t written_seconds) {
  const Grid parts = PartGrid(options_.interval_seconds);
  // One bucket stamped far in the future must not seal what is still to come.
  const std::int64_t now_seconds = std::min(written_seconds, clock_.NowMs() / 1000);
  const std::int64_t settled_seconds = now_seconds - kSealAfterPositions * options_.interval_seconds;
  const bool half_full = head_.points() > options_.head_points / 2;
  const std::int64_t before_seconds =
      half_full ? written_seconds : parts.StartOf(parts.NumberOf(std::max<std::int64_t>(settled_seconds, 0)));
  Note(SealBefore(before_seconds), "sealed", sealing_fails_);
}

// Several parts, after a long silence of the database, each on its own: their points are in memory twice meanwhile.
Status Writer::SealBefore(std::int64_t seconds) {
  const Grid parts = PartGrid(options_.interval_seconds);
  for (;;) {
    if (Status orphans = database_->SealOrphans(); !orphans.ok()) return orphans;
    const std::int64_t oldest_seconds = head_.oldest_seconds().value_or(INT64_MAX);
    if (oldest_seconds >= seconds) return Status::Ok();
    const std::int64_t before_seconds = std::min(seconds, parts.StartOf(parts.NumberOf(oldest_seconds) + 1));
    {
      std::lock_guard lock(mutex_);
      sealed_before_seconds_ = std::max(sealed_before_seconds_, before_seconds);
    }
    if (Status sealed = database_->Seal(before_seconds); !sealed.ok()) return sealed;
    std::lock_guard lock(mutex_);
    more_to_do_ = true;
    DropUnwritable();
  }
}

void Writer::Note(const Status& status, const char* what, bool& failing) {
  if (!status.ok() && !failing) {
    spdlog::error("storage: buckets cannot be {}: {}; trying again", what, status.error().message);
  }
  if (status.ok() && failing) spdlog::info("storage: buckets are {} again", what);
  failing = !status.ok();
}

void Writer::Housekeep(std::int64_t newest_seconds) {
  bool due = false;
  {
    std::lock_guard lock(mutex_);
    due = std::exchange(more_to_do_, false);
  }
  const std::int64_t since_due = newest_seconds - next_housekeeping_seconds_;
  if (newest_seconds == 0 || (!due && since_due < 0 && since_due >= -kHousekeepEverySeconds)) return;
  next_housekeeping_seconds_ = newest_seconds + kHousekeepEverySeconds;
  Note(HousekeepStep(newest_seconds), "deleted or merged", housekeeping_fails_);
}

Status Writer::HousekeepStep(std::int64_t newest_seconds) {
  const std::int64_t cutoff_seconds = CutoffSeconds(newest_seconds);
  const Result<bool> more = database_->Housekeep(cutoff_seconds);
  if (!more.ok()) return more.error();
  {
    std::lock_guard lock(mutex_);
    more_to_do_ = more_to_do_ || more.value();
    if (more.value() || stats_.oldest_stored_seconds >= cutoff_seconds) return Status::Ok();
  }
  const Result<std::int64_t> oldest = database_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  std::lock_guard lock(mutex_);
  stats_.oldest_stored_seconds = oldest.value();
  return Status::Ok();
}

}  // namespace cloudmon::store
