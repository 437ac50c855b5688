// SPDX-License-Identifier: Apache-2.0
// When each target is scraped and when each bucket ends. Pure: time comes in as Unix milliseconds. One thread at a
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cloudmon::scrape {

// Where in the interval a target is scraped: a hash of its url, the same in each run, so that load spreads.
[[nodiscard]] std::int64_t OffsetMs(std::string_view url, std::int64_t interval_ms);

// Each target has one planned tick in each interval. A tick that is late by an interval or more, because time jumped or
// the program stood still, is skipped, as is one that finds the target's scrape before it still in flight.
//
// Buckets are sealed in order, each a grace after its end and when its scrapes are done, at the latest one timeout
// after its end. A bucket for which no scrape was planned and nothing pushed is left out: a gap, as after time jumped
// ahead; but while there are no targets each one is sealed. When time goes back nothing is planned for buckets that are
// sealed already.
class Schedule {
 public:
  explicit Schedule(std::int64_t interval_ms) : interval_ms_(interval_ms) {}

  void SetTimeout(std::int64_t timeout_ms) { timeout_ms_ = timeout_ms; }
  // For how long what is pushed may come after a bucket's end.
  void SetGrace(std::int64_t grace_ms) { grace_ms_ = grace_ms; }

  // The buckets up to this one are sealed: before a restart. To be called before all that follows.
  void SetSealed(std::int64_t bucket_ms) { last_sealed_ms_ = bucket_ms; }

  // The start of the bucket of that time.
  [[nodiscard]] std::int64_t BucketOf(std::int64_t time_ms) const;

  // Something is pushed for the bucket: it will be sealed. False where that is over: it is sealed, or never will be.
  bool Open(std::int64_t bucket_ms, std::int64_t now_ms);

  // The first tick is the next one.
  void Add(std::uint64_t target, std::int64_t offset_ms, std::int64_t now_ms);
  void Remove(std::uint64_t target);

  // The targets to scrape now; each is in flight until Finish or Remove.
  [[nodiscard]] std::vector<std::uint64_t> Due(std::int64_t now_ms);

  // The scrape in flight is done. Returns the start of its bucket, nullopt when that is sealed already.
  std::optional<std::int64_t> Finish(std::uint64_t target);

  // The next bucket that is over, by its start; to be called after Due, until there is none.
  [[nodiscard]] std::optional<std::int64_t> Seal(std::int64_t now_ms);

  // When Due or Seal will have something to do next, if no scrape is finished before; nullopt: never.
  [[nodiscard]] std::optional<std::int64_t> NextEventMs(std::int64_t now_ms) const;

  [[nodiscard]] std::uint64_t skipped_ticks() const { return skipped_ticks_; }

 private:
  struct Target {
    std::int64_t next_ms = 0;                  // the next tick
    std::optional<std::int64_t> in_flight_ms;  // the bucket of the scrape in flight
  };
  struct OpenBucket {
    bool is_wanted = false;  // a scrape was planned for it, or something pushed
    std::size_t in_flight = 0;
  };

  [[nodiscard]] bool IsSealed(std::int64_t bucket_ms) const { return last_sealed_ms_ && bucket_ms <= *last_sealed_ms_; }
  [[nodiscard]] bool IsOver(std::int64_t bucket_ms, const OpenBucket& bucket, std::int64_t now_ms) const;
  bool Begin(Target& target, std::int64_t tick_ms);
  void EndInFlight(Target& target);

  const std::int64_t interval_ms_;
  std::int64_t timeout_ms_ = 0, grace_ms_ = 0;
  std::uint64_t skipped_ticks_ = 0;
  std::optional<std::int64_t> last_sealed_ms_;
  std::unordered_map<std::uint64_t, Target> targets_;
  std::set<std::pair<std::int64_t, std::uint64_t>> ticks_;  // (next_ms, target)
  std::map<std::int64_t, OpenBucket> open_;                 // by start
};

}  // namespace cloudmon::scrape
