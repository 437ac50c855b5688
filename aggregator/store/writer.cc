// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "aggregator/store/bucket_json.h"

namespace cloudmon::store {
namespace {

constexpr std::int64_t kRetentionEverySeconds = 60;  // of bucket time
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
  Result<SeriesRows> rows = SeriesRows::Open(writer->db_);
  if (!rows.ok()) return rows.error();
  writer->rows_ = std::make_unique<SeriesRows>(std::move(rows.value()));
  Result<Retention> retention = Retention::Open(writer->db_, interval_seconds);
  if (!retention.ok()) return retention.error();
  writer->retention_ = std::make_unique<Retention>(std::move(retention.value()));
  Result<Statement> insert = writer->db_.Prepare("INSERT OR REPLACE INTO bucket(time, kind, doc) VALUES(?1, ?2, ?3)");
  if (!insert.ok()) return insert.error();
  writer->insert_ = std::move(insert.value());
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
    queue_.push_back(std::move(bucket));
    retry_now_ = true;
    DropUnwritable();
  }
  wake_.notify_all();
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
    wake_.wait_for(lock, RetryDelay(failures_in_row_), [this] { return stop_ || retry_now_; });
  } else {
    wake_.wait(lock, [this] { return stop_ || more_to_delete_ || !queue_.empty(); });
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
  ++stats_.buckets_written;
  if (stats_.oldest_stored_seconds == 0) stats_.oldest_stored_seconds = bucket->time_seconds;
  // It may have left the queue while it was written.
  if (!queue_.empty() && queue_.front() == bucket) queue_.pop_front();
}

// All documents and new series of a bucket in one transaction: a bucket is there whole or not at all.
Status Writer::WriteBucket(const HeadBucket& bucket) {
  Transaction transaction(db_);
  Status status = transaction.Begin();
  for (const series::Kind kind : kDocumentKinds) {
    if (status.ok()) status = WriteDocument(bucket, kind);
  }
  if (status.ok()) status = transaction.Commit();
  if (status.ok()) {
    rows_->Committed();
  } else {
    rows_->RolledBack();
  }
  return status;
}

Status Writer::FindIds(const HeadBucket& bucket, series::Kind kind) {
  ids_.clear();
  for (const Slot slot : *bucket.Of(kind).slots) {
    const auto id = rows_->IdOf(slot, bucket.time_seconds, [this](Slot s) { return head_.MemberOf(s); });
    if (!id.ok()) return id.error();
    if (!id.value()) return Error{ErrorCode::kGone, "the bucket left the memory"};
    ids_.push_back(*id.value());
  }
  return Status::Ok();
}

Status Writer::WriteDocument(const HeadBucket& bucket, series::Kind kind) {
  if (Status found = FindIds(bucket, kind); !found.ok()) return found;
  const ColumnBlock& cluster = bucket.Of(series::Kind::kCluster).columns;
  const bool with_cluster = kind == series::Kind::kNode && cluster.rows() > 0;
  const series::Point all = with_cluster ? cluster.Row(0) : series::Point{};
  document_.clear();
  store::WriteDocument(document_, bucket.time_seconds, ids_, bucket.Of(kind).columns, with_cluster ? &all : nullptr);
  return insert_.Bind(1, bucket.time_seconds).Bind(2, DocumentName(kind)).Bind(3, document_).Run();
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
  return rows_->DeleteUnused(cutoff_seconds, head_.oldest_seconds().value_or(0));
}

}  // namespace cloudmon::store
