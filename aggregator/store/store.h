// SPDX-License-Identifier: Apache-2.0
// Keeps sealed buckets: the newest in memory, all in a database within the retention.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/series/model.h"
#include "common/clock.h"
#include "common/result.h"

namespace cloudmon::store {

struct StoreOptions {
  std::string path;                    // directory; made if missing
  std::int64_t interval_seconds = 10;  // the buckets' width
  std::int64_t retention_seconds = 7 * 24 * 3600;
  std::size_t head_points = 2'000'000;  // at most this many points (member x bucket) are kept in memory
};

// Empty strings and nullopt match everything. Names match exactly.
struct Selector {
  series::Kind kind = series::Kind::kPod;
  std::string node, ns, deployment, pod;
};

// One member's points in ascending time; gaps are left out.
struct SeriesSlice {
  series::MemberPtr member;
  std::vector<std::int64_t> times_seconds;
  std::vector<series::Point> points;  // as many
};

struct StoreStats {
  std::size_t members = 0, head_points = 0;
  std::int64_t oldest_bucket_seconds = 0, newest_bucket_seconds = 0;  // 0: empty
  std::uint64_t buckets_written = 0, write_failures = 0;
  std::size_t write_queue = 0;  // sealed buckets not yet in the database
  std::uint64_t database_bytes = 0;
  std::optional<std::uint64_t> available_bytes;  // of the database's file system; nullopt: it does not say
  std::uint64_t buckets_lost = 0;                // left memory before they could be written, or came too old for it
};

// Thread-safe: readers never block each other, and block the writer no longer than it takes to copy a result.
class Store {
 public:
  // Opens or makes the database and reads the newest buckets back into memory. A damaged database is set aside under
  // another name in the same directory, which is logged, and an empty one is begun. Errors: kDenied or kIo where the
  // directory cannot be written, kInvalid where the database was made with another interval; the message says what to
  // do.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options, const Clock& clock);
  virtual ~Store() = default;  // writes what is queued

  // Takes the next sealed bucket; visible to readers when this returns, durable shortly after (written by a thread of
  // the store's own; a failure is logged, counted and tried again while the bucket is in memory).
  virtual void Append(series::Bucket bucket) = 0;

  // Points with start <= time < end, for each matching member that has any, ordered by member. They have only those of
  // the `fields` that are known, perhaps none. Error: kIo when the database cannot be read; kLimit when there would be
  // more than `max_points`.
  virtual Result<std::vector<SeriesSlice>> Select(const Selector& selector, std::int64_t start_seconds,
                                                  std::int64_t end_seconds, series::FieldMask fields,
                                                  std::size_t max_points) const = 0;

  // Whether any bucket within the retention names a member that matches.
  [[nodiscard]] virtual bool Knows(const Selector& selector) const = 0;

  // Changes buckets that were appended before, or makes such as never were (gaps): `change` is called once for each
  // time, which ascend, with the bucket's entries, none where there are none, and what it leaves is stored. For what
  // comes late, up to an hour. Those outside the memory are read from the database at once, so they should lie near
  // each other, and written back before this returns. Visible to readers when this returns. Called by the thread that
  // calls Append(). Errors: kInvalid where buckets are older than the retention, which are left out; kIo.
  virtual Status Amend(const std::vector<std::int64_t>& times_seconds,
                       const std::function<void(series::Bucket&)>& change) = 0;

  using MemberLess = std::function<bool(const series::Member&, const series::Member&)>;
  // Calls `take` with every matching member that has points with start <= time < end, one after the other in the order
  // of `less`, until it returns false. For exports: at most about `points_in_memory` points (but all of one member) are
  // in memory at a time; what is more is read in several passes. Buckets sealed meanwhile are not missed if they lie in
  // the range; the range should end at what is sealed. Errors as Select(), without kLimit.
  virtual Status ForEach(const Selector& selector, std::int64_t start_seconds, std::int64_t end_seconds,
                         const MemberLess& less, std::size_t points_in_memory,
                         const std::function<bool(SeriesSlice)>& take) const = 0;

  // The newest sealed bucket's start; nullopt before the first.
  [[nodiscard]] virtual std::optional<std::int64_t> NewestBucket() const = 0;

  // What is last known of each member in memory, which the bucketer goes on from after a restart: its newest point, and
  // before it those that have a total which the newer ones do not.
  [[nodiscard]] virtual std::vector<SeriesSlice> Tail() const = 0;

  [[nodiscard]] virtual StoreStats Stats() const = 0;

  // Changes the retention (reload).
  virtual void SetRetention(std::int64_t retention_seconds) = 0;
};

}  // namespace cloudmon::store
