// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/retention.h"

#include <algorithm>
#include <string>
#include <utility>

namespace cloudmon::store {
namespace {

constexpr std::int64_t kBucketsPerStep = 16;
constexpr std::int64_t kPagesPerStep = 4096;
// Free pages are filled by the next buckets. Only when they are more than a quarter of the file (the retention was
// lowered, pods went) is it worth the writing to make it smaller; small files are left alone.
constexpr std::int64_t kFreeShare = 4;
constexpr std::int64_t kFewPages = 256;

}  // namespace

Result<Retention> Retention::Open(Connection& db, std::int64_t interval_seconds) {
  Retention retention(db, interval_seconds);
  Result<Statement> remove = db.Prepare("DELETE FROM bucket WHERE time < ?1");
  if (!remove.ok()) return remove.error();
  Result<Statement> oldest = db.Prepare("SELECT coalesce(min(time), 0) FROM bucket");
  if (!oldest.ok()) return oldest.error();
  retention.delete_ = std::move(remove.value());
  retention.oldest_ = std::move(oldest.value());
  return retention;
}

Result<std::int64_t> Retention::OldestSeconds() {
  const Result<bool> row = oldest_.Step();
  const std::int64_t seconds = row.ok() && row.value() ? oldest_.Int(0) : 0;
  oldest_.Reset();
  if (!row.ok()) return row.error();
  return seconds;
}

Result<bool> Retention::Step(std::int64_t cutoff_seconds) {
  const Result<std::int64_t> oldest = OldestSeconds();
  if (!oldest.ok()) return oldest.error();
  if (oldest.value() != 0 && oldest.value() < cutoff_seconds) {
    const std::int64_t before = std::min(cutoff_seconds, oldest.value() + kBucketsPerStep * interval_seconds_);
    const Status status = delete_.Bind(1, before).Run();
    if (!status.ok()) return status.error();
    if (before < cutoff_seconds) return true;
  }
  return GiveBackSpace();
}

Result<bool> Retention::GiveBackSpace() {
  const Result<std::int64_t> pages = db_->QueryInt("PRAGMA page_count");
  if (!pages.ok()) return pages.error();
  const Result<std::int64_t> free = db_->QueryInt("PRAGMA freelist_count");
  if (!free.ok()) return free.error();
  if (free.value() < kFewPages || free.value() < pages.value() / kFreeShare) return false;
  const Status status = db_->Execute("PRAGMA incremental_vacuum(" + std::to_string(kPagesPerStep) + ")");
  if (!status.ok()) return status.error();
  return true;
}

}  // namespace cloudmon::store
