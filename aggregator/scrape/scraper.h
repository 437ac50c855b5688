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
#include <vector>

#include "aggregator/discovery/target.h"
#include "aggregator/scrape/fetcher.h"
#include "aggregator/scrape/loop.h"
#include "aggregator/scrape/node_names.h"
#include "aggregator/scrape/page_reader.h"
#include "aggregator/scrape/schedule.h"
#include "aggregator/scrape/status.h"
#include "aggregator/series/bucketer.h"
#include "common/clock.h"

namespace cloudmon::scrape {

// One thread at a time, except Statuses and Stats, which any thread may call. `clock` and `fetcher` must outlive it.
class Scraper {
 public:
  Scraper(const LoopOptions& options, const Clock& clock, Fetcher& fetcher, std::unique_ptr<series::Bucketer> bucketer,
          Loop::Sealed sealed);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // Timeout and limits, for scrapes that start from now on; not the interval.
  void SetOptions(const LoopOptions& options);

  // The targets there are now. One that was there before (by its url) keeps its place in the grid and its status.
  void SetTargets(const std::vector<discovery::Target>& targets);

  // Starts the scrapes that are due and seals the buckets that are over.
  void Step();

  // Takes what the fetcher brought: reads the page into its bucket, or notes what is wrong.
  void Take(Fetched fetched);

  // When Step has something to do next; nullopt: not before SetTargets.
  [[nodiscard]] std::optional<std::int64_t> NextEventMs() const { return schedule_.NextEventMs(clock_.NowMs()); }

  [[nodiscard]] std::vector<TargetStatus> Statuses() const;  // in the order of SetTargets
  [[nodiscard]] LoopStats Stats() const;

 private:
  struct TargetState;
  struct BucketCount {
    std::size_t reported = 0, refused = 0;  // targets
  };

  Status TakePage(TargetState& target, const Fetched& fetched, std::optional<std::int64_t> bucket_ms,
                  TargetStatus& status);
  Status AddReading(const TargetState& target, const std::string& node, std::int64_t scraped_at_ms,
                    const series::TargetReading& reading, std::optional<std::int64_t> bucket_ms);
  void NoteResult(TargetState& target, TargetStatus status, bool late);
  void SealBucket(std::int64_t bucket_ms);
  void WarnWhenTimeGoesBack(std::int64_t now_ms);

  LoopOptions options_;
  const Clock& clock_;
  Fetcher& fetcher_;
  const std::unique_ptr<series::Bucketer> bucketer_;
  const Loop::Sealed sealed_;
  Schedule schedule_;
  NodeNames names_;
  std::uint64_t last_id_ = 0;
  std::int64_t latest_ms_ = 0;  // the largest time seen
  bool time_went_back_ = false;
  std::map<std::int64_t, BucketCount> counts_;  // of open buckets, by start in ms
  std::unordered_map<std::uint64_t, TargetState*> by_id_;

  mutable std::mutex mu_;
  std::vector<std::unique_ptr<TargetState>> targets_;  // the vector and each status: guarded by mu_
  LoopStats stats_;                                    // guarded by mu_
};

}  // namespace cloudmon::scrape
