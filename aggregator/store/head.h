// SPDX-License-Identifier: Apache-2.0
// The newest buckets in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/catalog.h"
#include "aggregator/store/columns.h"

namespace cloudmon::store {

using SlotsPtr = std::shared_ptr<const std::vector<Slot>>;

// The entries of one kind: row i is the member with slots[i]; slots ascend. Buckets with the same members share them.
struct HeadBlock {
  SlotsPtr slots;
  ColumnBlock columns;
};

// A bucket as the head keeps it. Immutable.
struct HeadBucket {
  std::int64_t time_seconds = 0;
  std::size_t points = 0;
  std::array<HeadBlock, series::kKindCount> blocks;  // by Kind

  [[nodiscard]] const HeadBlock& Of(series::Kind kind) const { return blocks[static_cast<std::size_t>(kind)]; }
};
using HeadBucketPtr = std::shared_ptr<const HeadBucket>;

// What a reader works on, without any lock.
struct HeadView {
  std::vector<HeadBucketPtr> buckets;  // ascending
  MemberListPtr members;               // of the kind asked for
  // The oldest bucket in memory, whatever range was asked for; nullopt: the head is empty.
  std::optional<std::int64_t> oldest_seconds;
};

// Thread-safe: readers take immutable buckets under a short shared lock; a bucket is built before the lock is taken.
class Head {
 public:
  explicit Head(std::size_t max_points) : max_points_(max_points) {}

  // Takes a bucket in; one of the same time is replaced. While there are more points than allowed, whole buckets are
  // dropped from the old end (the newest two stay). Null where the bucket is older than all that are kept: these are
  // sealed.
  HeadBucketPtr Append(const series::Bucket& bucket);

  // Has `change` change the entries of a bucket, none where there is a gap. Drops nothing: more points than allowed go
  // when the next is appended. Null, and `change` is not called, where the bucket is older than all that are kept, or
  // none is.
  HeadBucketPtr Amend(std::int64_t time_seconds, const std::function<void(series::Bucket&)>& change);

  // The buckets before `seconds`, ascending.
  [[nodiscard]] std::vector<HeadBucketPtr> Before(std::int64_t seconds) const;
  // Drops the oldest buckets, which are these and are sealed, and forgets members that no other names. False, and
  // nothing is dropped, where the oldest are no longer the same: one was amended.
  bool DropSealed(const std::vector<HeadBucketPtr>& sealed);

  // The bucket with its members, which the head still names.
  [[nodiscard]] series::Bucket Unpack(const HeadBucket& bucket) const;

  // Takes in a bucket older than all there are: reading back, newest first. False where there is no more room.
  bool Prepend(const series::Bucket& bucket);

  // The buckets with start <= time < end.
  [[nodiscard]] HeadView View(series::Kind kind, std::int64_t start_seconds, std::int64_t end_seconds) const;

  [[nodiscard]] std::optional<std::int64_t> oldest_seconds() const;
  [[nodiscard]] std::optional<std::int64_t> newest_seconds() const;
  [[nodiscard]] std::size_t points() const;
  [[nodiscard]] std::size_t members() const;
  // Null where the slot is of no member that the head still names.
  [[nodiscard]] series::MemberPtr MemberOf(Slot slot) const;

 private:
  [[nodiscard]] HeadBucketPtr Newest() const;
  HeadBucketPtr Build(const series::Bucket& bucket, const HeadBucket* neighbour);
  void Insert(const HeadBucketPtr& bucket);
  [[nodiscard]] HeadBucketPtr At(std::int64_t time_seconds) const;
  std::vector<HeadBucketPtr> DropExcess();

  const std::size_t max_points_;
  std::mutex append_mutex_;  // one writer at a time; taken before mutex_
  mutable std::shared_mutex mutex_;
  std::deque<HeadBucketPtr> buckets_;  // ascending; guarded by mutex_
  std::size_t points_ = 0;             // guarded by mutex_
  Catalog catalog_;                    // guarded by mutex_
  std::size_t dropped_ = 0;            // in excess, since members were last forgotten; guarded by append_mutex_
};

}  // namespace cloudmon::store
