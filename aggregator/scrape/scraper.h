// SPDX-License-Identifier: Apache-2.0
// The scrape loop without its thread: what Loop does at each turn, with a clock and a fetcher that tests can play.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "aggregator/discovery/target.h"
#include "aggregator/scrape/fetcher.h"
#include "aggregator/scrape/loop.h"
#include "aggregator/scrape/node_names.h"
#include "aggregator/scrape/page_reader.h"
#include "aggregator/scrape/pushers.h"
#include "aggregator/scrape/schedule.h"
#include "aggregator/scrape/status.h"
#include "aggregator/series/bucketer.h"
#include "common/clock.h"

namespace cloudmon::scrape {

// Late documents are refused while this many entries of others wait to be stored: after an outage all nodes send what
// they have kept, faster than buckets can be amended.
inline constexpr std::size_t kMaxWaitingEntries = 250'000;

// What others sent may be quoted in an error, which goes to terminals: control characters become '?'.
[[nodiscard]] std::string Printable(std::string text);

// One thread at a time, except Push, Statuses and Stats, which any thread may call. `sealed` and `amend` are called
// from the one thread. `clock` and `fetcher` must outlive it.
class Scraper {
 public:
  Scraper(const LoopOptions& options, const Clock& clock, Fetcher& fetcher, std::unique_ptr<series::Bucketer> bucketer,
          Loop::Sealed sealed, Loop::Amend amend);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // Timeout, limits and access, for scrapes that start from now on; not the interval.
  void SetOptions(const LoopOptions& options);

  // The targets there are now. One that was there before (by its url) keeps its place in the grid and its status.
  void SetTargets(const std::vector<discovery::Target>& targets);

  // Starts the scrapes that are due, seals the buckets that are over, and once a second amends those that were over
  // before.
  void Step();

  // For the end: amends all that still waits, as its senders will not send it again.
  void AmendAll();

  // Takes what the fetcher brought: reads the page into its bucket, or notes what is wrong.
  void Take(const Fetched& fetched);

  // As Loop::Push.
  Status Push(PushedReading pushed);

  // When Step has something to do next, but for amending; nullopt: not before SetTargets.
  [[nodiscard]] std::optional<std::int64_t> NextEventMs() const;

  [[nodiscard]] std::vector<TargetStatus> Statuses() const;  // in the order of SetTargets, then who pushes
  [[nodiscard]] LoopStats Stats() const;

 private:
  struct TargetState;
  struct BucketCount {
    std::size_t reported = 0, refused = 0;     // targets
    std::unordered_set<std::uint64_t> pushed;  // ids of pushers
  };

  Status TakePage(TargetState& target, const Fetched& fetched, std::optional<std::int64_t> bucket_ms,
                  TargetStatus& status);
  Status TakePushed(Pusher& pusher, PushedReading pushed, std::int64_t now_ms);
  Status AddReading(const TargetState& target, const std::string& node, std::int64_t scraped_at_ms,
                    const series::TargetReading& reading, std::optional<std::int64_t> bucket_ms);
  // Of a target; nullopt: the id is a pusher's.
  [[nodiscard]] std::optional<std::string> UrlOf(std::uint64_t id) const;
  void NoteResult(TargetState& target, TargetStatus status, bool late);
  std::optional<series::Bucket> SealNext(std::int64_t now_ms);
  void AmendSealed();
  void CollectAmendments();
  bool AmendNext();  // the oldest buckets; REQUIRES: there is one
  void WarnWhenTimeGoesBack(std::int64_t now_ms);

  LoopOptions options_;
  const std::int64_t interval_ms_;
  const Clock& clock_;
  Fetcher& fetcher_;
  const Loop::Sealed sealed_;
  const Loop::Amend amend_;
  std::int64_t latest_ms_ = 0;  // the largest time seen
  bool time_went_back_ = false;
  std::int64_t amended_at_ms_ = 0;                                     // steady
  std::map<std::int64_t, std::vector<series::Amendment>> amendments_;  // by bucket, that are to be stored

  // Guards what follows. Targets, by_id_ and readers are changed by the one thread only, which reads them without. Not
  // held while a page is parsed, the store works or the fetcher waits.
  mutable std::mutex mu_;
  const std::unique_ptr<series::Bucketer> bucketer_;
  Schedule schedule_;
  NodeNames names_;
  Pushers pushers_;
  std::uint64_t last_id_ = 0;                   // of targets and pushers
  std::map<std::int64_t, BucketCount> counts_;  // of open buckets, by start in ms
  std::vector<std::unique_ptr<TargetState>> targets_;
  std::unordered_map<std::uint64_t, TargetState*> by_id_;
  LoopStats stats_;
  std::size_t waiting_entries_ = 0;  // of late documents that are not stored yet
};

}  // namespace cloudmon::scrape
