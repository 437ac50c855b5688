// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/head.h"

#include <algorithm>
#include <utility>

namespace cloudmon::store {
namespace {

constexpr std::size_t kAlwaysKept = 2;    // the newest, and the one before it, which may not be sealed yet
constexpr std::size_t kForgetEvery = 64;  // dropped buckets: looking through all members each time would be waste

struct Row {
  Slot slot;
  const series::Point* point;
};
using Rows = std::array<std::vector<Row>, series::kKindCount>;

bool BySlot(const Row& a, const Row& b) {
  return a.slot < b.slot;
}
bool ByTime(const HeadBucketPtr& bucket, std::int64_t time_seconds) {
  return bucket->time_seconds < time_seconds;
}

SlotsPtr SlotsOf(const std::vector<Row>& rows, const SlotsPtr& likely) {
  const auto same = [](const Row& row, Slot slot) { return row.slot == slot; };
  if (likely && std::equal(rows.begin(), rows.end(), likely->begin(), likely->end(), same)) return likely;
  auto slots = std::make_shared<std::vector<Slot>>();
  slots->reserve(rows.size());
  for (const Row& row : rows) slots->push_back(row.slot);
  return slots;
}

HeadBlock BuildBlock(std::vector<Row>& rows, const SlotsPtr& likely_slots) {
  if (!std::is_sorted(rows.begin(), rows.end(), BySlot)) std::sort(rows.begin(), rows.end(), BySlot);
  std::vector<const series::Point*> points;
  points.reserve(rows.size());
  for (const Row& row : rows) points.push_back(row.point);
  return {SlotsOf(rows, likely_slots), ColumnBlock(points)};
}

}  // namespace

HeadBucketPtr Head::Build(const series::Bucket& bucket, const HeadBucket* neighbour) {
  Rows rows;
  {
    std::unique_lock lock(mutex_);
    for (const series::Entry& entry : bucket.entries) {
      const Slot slot = catalog_.Resolve(entry.member, bucket.time_seconds);
      rows[static_cast<std::size_t>(entry.member->kind)].push_back({slot, &entry.point});
    }
    catalog_.Publish();
  }
  auto built = std::make_shared<HeadBucket>();
  built->time_seconds = bucket.time_seconds;
  built->points = bucket.entries.size();
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    built->blocks[kind] = BuildBlock(rows[kind], neighbour != nullptr ? neighbour->blocks[kind].slots : nullptr);
  }
  return built;
}

HeadBucketPtr Head::Newest() const {
  std::shared_lock lock(mutex_);
  return buckets_.empty() ? nullptr : buckets_.back();
}

HeadBucketPtr Head::Append(const series::Bucket& bucket) {
  std::lock_guard append_lock(append_mutex_);
  if (bucket.time_seconds < oldest_seconds().value_or(bucket.time_seconds)) return nullptr;
  HeadBucketPtr built = Build(bucket, Newest().get());
  std::vector<HeadBucketPtr> dropped;  // freed after the lock
  {
    std::unique_lock lock(mutex_);
    Insert(built);
    dropped = DropExcess();
  }
  return built;
}

HeadBucketPtr Head::Amend(std::int64_t time_seconds, const std::function<void(series::Bucket&)>& change) {
  std::lock_guard append_lock(append_mutex_);
  if (time_seconds < oldest_seconds().value_or(INT64_MAX)) return nullptr;
  const HeadBucketPtr old = At(time_seconds);
  series::Bucket bucket = old ? Unpack(*old) : series::Bucket{time_seconds, {}};
  change(bucket);
  HeadBucketPtr built = Build(bucket, Newest().get());
  std::unique_lock lock(mutex_);
  Insert(built);
  return built;
}

std::vector<HeadBucketPtr> Head::Before(std::int64_t seconds) const {
  std::shared_lock lock(mutex_);
  const auto end = std::lower_bound(buckets_.begin(), buckets_.end(), seconds, ByTime);
  return {buckets_.begin(), end};
}

bool Head::DropSealed(const std::vector<HeadBucketPtr>& sealed) {
  std::lock_guard append_lock(append_mutex_);
  std::unique_lock lock(mutex_);
  // Older ones among them may have been dropped in excess.
  const auto first = std::find(sealed.begin(), sealed.end(), buckets_.empty() ? nullptr : buckets_.front());
  const auto count = sealed.end() - first;
  if (count == 0) return buckets_.empty() || buckets_.front()->time_seconds > sealed.back()->time_seconds;
  if (std::ssize(buckets_) < count || !std::equal(first, sealed.end(), buckets_.begin())) return false;
  for (auto at = first; at != sealed.end(); ++at) points_ -= (*at)->points;
  buckets_.erase(buckets_.begin(), buckets_.begin() + count);
  if (!buckets_.empty()) catalog_.Forget(buckets_.front()->time_seconds);
  return true;
}

HeadBucketPtr Head::At(std::int64_t time_seconds) const {
  std::shared_lock lock(mutex_);
  const auto at = std::lower_bound(buckets_.begin(), buckets_.end(), time_seconds, ByTime);
  return at != buckets_.end() && (*at)->time_seconds == time_seconds ? *at : nullptr;
}

series::Bucket Head::Unpack(const HeadBucket& bucket) const {
  series::Bucket unpacked{bucket.time_seconds, {}};
  std::shared_lock lock(mutex_);
  for (const HeadBlock& block : bucket.blocks) {
    for (std::size_t row = 0; row < block.columns.rows(); ++row) {
      unpacked.entries.push_back({catalog_.MemberOf((*block.slots)[row]), block.columns.Row(row)});
    }
  }
  return unpacked;
}

void Head::Insert(const HeadBucketPtr& bucket) {
  const auto at = std::lower_bound(buckets_.begin(), buckets_.end(), bucket->time_seconds, ByTime);
  points_ += bucket->points;
  if (at != buckets_.end() && (*at)->time_seconds == bucket->time_seconds) {
    points_ -= (*at)->points;
    *at = bucket;
  } else {
    buckets_.insert(at, bucket);
  }
}

std::vector<HeadBucketPtr> Head::DropExcess() {
  std::vector<HeadBucketPtr> dropped;
  while (buckets_.size() > kAlwaysKept && points_ > max_points_) {
    points_ -= buckets_.front()->points;
    dropped.push_back(std::move(buckets_.front()));
    buckets_.pop_front();
  }
  dropped_ += dropped.size();
  if (dropped_ >= kForgetEvery) {
    catalog_.Forget(buckets_.front()->time_seconds);
    dropped_ = 0;
  }
  return dropped;
}

bool Head::Prepend(const series::Bucket& bucket) {
  std::lock_guard append_lock(append_mutex_);
  HeadBucketPtr oldest;
  {
    std::shared_lock lock(mutex_);
    if (!buckets_.empty()) oldest = buckets_.front();
    if (oldest && points_ + bucket.entries.size() > max_points_) return false;
  }
  const HeadBucketPtr built = Build(bucket, oldest.get());
  std::unique_lock lock(mutex_);
  Insert(built);
  return true;
}

HeadView Head::View(series::Kind kind, std::int64_t start_seconds, std::int64_t end_seconds) const {
  std::shared_lock lock(mutex_);
  HeadView view;
  view.members = catalog_.List(kind);
  if (buckets_.empty()) return view;
  view.oldest_seconds = buckets_.front()->time_seconds;
  const auto first = std::lower_bound(buckets_.begin(), buckets_.end(), start_seconds, ByTime);
  const auto last = std::lower_bound(first, buckets_.end(), std::max(start_seconds, end_seconds), ByTime);
  view.buckets.assign(first, last);
  return view;
}

std::optional<std::int64_t> Head::oldest_seconds() const {
  std::shared_lock lock(mutex_);
  return buckets_.empty() ? std::nullopt : std::optional(buckets_.front()->time_seconds);
}

std::optional<std::int64_t> Head::newest_seconds() const {
  std::shared_lock lock(mutex_);
  return buckets_.empty() ? std::nullopt : std::optional(buckets_.back()->time_seconds);
}

std::size_t Head::points() const {
  std::shared_lock lock(mutex_);
  return points_;
}

std::size_t Head::members() const {
  std::shared_lock lock(mutex_);
  return catalog_.size();
}

series::MemberPtr Head::MemberOf(Slot slot) const {
  std::shared_lock lock(mutex_);
  return catalog_.MemberOf(slot);
}

}  // namespace cloudmon::store
