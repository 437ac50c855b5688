// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "aggregator/store/bucket_rows.h"

namespace cloudmon::store {
namespace {

constexpr std::int64_t kRetentionEverySeconds = 60;  // of bucket time
constexpr std::chrono::seconds kJobTimeout{15};
constexpr std::int64_t kDropSeriesEverySeconds = 3600;

std::chrono::milliseconds RetryDelay(int failures_in_row) {
  constexpr int kMostDoublings = 6;
  return std::chrono::milliseconds(250) * (1 << std::min(failures_in_row - 1, kMostDoublings));  // up to 16 s
}

}  // namespace

Writer::Writer(Connection db, const Head& head, const Clock& clock, std::int64_t retention_seconds)
    : db_(std::move(db)), head_(head), clock_(clock), retention_seconds_(retention_seconds) {}

Result<std::unique_ptr<Writer>> Writer::Start(Connection db, const Head& head, const Clock& clock,
                                              std::int64_t interval_seconds, std::int64_t retention_seconds) {
  std::unique_ptr<Writer> writer(new Writer(std::move(db), head, clock, retention_seconds));
  Result<DocumentRows> documents = DocumentRows::Open(writer->db_);
  if (!documents.ok()) return documents.error();
  writer->documents_ = std::make_unique<DocumentRows>(std::move(documents.value()));
  Result<Retention> retention = Retention::Open(writer->db_, interval_seconds);
  if (!retention.ok()) return retention.error();
  writer->retention_ = std::make_unique<Retention>(std::move(retention.value()));
  const Result<std::int64_t> oldest = writer->retention_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  writer->stats_.oldest_stored_seconds = oldest.value();
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

Result<series::Bucket> Writer::ReadStored(std::int64_t time_seconds) {
  const auto bucket = std::make_shared<series::Bucket>();  // outlives this call where it gives up
  const Status status = Do([this, time_seconds, bucket]() -> Status {
    Result<BucketReader> reader = BucketReader::Open(db_);
    if (!reader.ok()) return reader.error();
    Result<series::Bucket> read = reader.value().Read(time_seconds);
    if (!read.ok()) return read.error();
    *bucket = std::move(read.value());
    return Status::Ok();
  });
  if (!status.ok()) return Error{ErrorCode::kIo, status.error().message};
  return std::move(*bucket);
}

Status Writer::WriteStored(series::Bucket bucket) {
  const Status status = Do([this, kept = std::move(bucket)] { return WriteEntries(kept); });
  if (!status.ok()) return Error{ErrorCode::kIo, status.error().message};
  return Status::Ok();
}

// Waits until the thread has done the work, but not for ever.
Status Writer::Do(std::function<Status()> work) {
  const auto job = std::make_shared<Job>(Job{std::move(work), {}});
  std::unique_lock lock(mutex_);
  jobs_.push_back(job);
  wake_.notify_all();
  if (done_.wait_for(lock, kJobTimeout, [&job] { return job->status.has_value(); })) return *job->status;
  std::erase(jobs_, job);
  return Error{ErrorCode::kIo, "the database is busy"};
}

void Writer::RunJobs() {
  std::unique_lock lock(mutex_);
  while (!jobs_.empty()) {
    const std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    Status status = job->work();
    lock.lock();
    job->status = std::move(status);
    done_.notify_all();
  }
}

// What the head has dropped is lost: the queue is bounded by the head's memory.
void Writer::DropUnwritable() {
  const std::int64_t oldest_seconds = head_.oldest_seconds().value_or(0);
  while (!queue_.empty() && queue_.front()->time_seconds < oldest_seconds) {
    queue_.pop_front();
    ++stats_.buckets_lost;
  }
}

void Writer::SetRetention(std::int64_t retention_seconds) {
  {
    std::lock_guard lock(mutex_);
    retention_seconds_ = retention_seconds;
    more_to_delete_ = true;
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
    if (!bucket) {
      Retain(head_.newest_seconds().value_or(0));
    } else if (Write(bucket).ok()) {
      Retain(bucket->time_seconds);
    }
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
    wake_.wait(lock, [this] { return stop_ || more_to_delete_ || !queue_.empty() || !jobs_.empty(); });
  }
  retry_now_ = false;
  return !stop_;
}

HeadBucketPtr Writer::Front() const {
  std::lock_guard lock(mutex_);
  return queue_.empty() ? nullptr : queue_.front();
}

Status Writer::Write(const HeadBucketPtr& bucket) {
  Status status = WriteBucket(*bucket);
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
  CountWritten(bucket->time_seconds);
  std::erase(queue_, bucket);  // not there where it was lost or replaced while it was written
}

void Writer::CountWritten(std::int64_t time_seconds) {
  ++stats_.buckets_written;
  const std::int64_t oldest_seconds = stats_.oldest_stored_seconds;
  stats_.oldest_stored_seconds = oldest_seconds == 0 ? time_seconds : std::min(oldest_seconds, time_seconds);
}

Status Writer::WriteEntries(const series::Bucket& bucket) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) {
    // For this bucket alone: what it remembers of members is not told of deleted series.
    Result<BucketWriter> writer = BucketWriter::Open(db_);
    status = writer.ok() ? writer.value().Write(bucket) : writer.error();
  }
  if (status.ok()) status = transaction.Commit();
  std::lock_guard lock(mutex_);
  if (status.ok()) {
    CountWritten(bucket.time_seconds);
  } else {
    ++stats_.write_failures;
  }
  return status;
}

// All documents and new series of a bucket in one transaction: a bucket is there whole or not at all.
Status Writer::WriteBucket(const HeadBucket& bucket) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  if (status.ok()) status = documents_->Write(bucket, head_);
  if (status.ok()) status = transaction.Commit();
  if (status.ok()) {
    documents_->Committed();
  } else {
    documents_->RolledBack();
  }
  return status;
}

void Writer::Retain(std::int64_t newest_seconds) {
  if (newest_seconds == 0) return;
  const Status status = RetainStep(newest_seconds);
  if (!status.ok() && !retention_failing_) spdlog::error("storage: old buckets stay: {}", status.error().message);
  retention_failing_ = !status.ok();
}

Status Writer::RetainStep(std::int64_t newest_seconds) {
  bool due = false;
  {
    std::lock_guard lock(mutex_);
    due = std::exchange(more_to_delete_, false);
  }
  const std::int64_t since_due = newest_seconds - next_retention_seconds_;
  if (!due && since_due < 0 && since_due >= -kRetentionEverySeconds) return Status::Ok();
  next_retention_seconds_ = newest_seconds + kRetentionEverySeconds;
  const std::int64_t cutoff_seconds = CutoffSeconds(newest_seconds);

  const Result<bool> more = retention_->Step(cutoff_seconds);
  if (!more.ok()) return more.error();
  const Result<std::int64_t> oldest = retention_->OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  {
    std::lock_guard lock(mutex_);
    more_to_delete_ = more_to_delete_ || more.value();
    stats_.oldest_stored_seconds = oldest.value();
  }
  const std::int64_t since_series = newest_seconds - next_series_seconds_;
  if (since_series < 0 && since_series >= -kDropSeriesEverySeconds) return Status::Ok();
  next_series_seconds_ = newest_seconds + kDropSeriesEverySeconds;
  return documents_->DeleteUnusedSeries(cutoff_seconds, head_.oldest_seconds().value_or(0));
}

}  // namespace cloudmon::store
