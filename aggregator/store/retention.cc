// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/retention.h"

#include <algorithm>
#include <string>
#include <utility>

namespace cloudmon::store {
namespace {

constexpr std::int64_t kPagesPerStep = 1024;
// Free pages are filled by the next rows. Only when they are more than a quarter of the file (the retention was
// lowered, pods went) is it worth the writing to make it smaller; small files are left alone.
constexpr std::int64_t kFreeShare = 4;
constexpr std::int64_t kFewPages = 64;

}  // namespace

Result<bool> Retention::Step(std::int64_t cutoff_seconds) {
  Result<bool> more = rows_->DeleteStep(cutoff_seconds);
  if (!more.ok() || more.value()) return more;
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
