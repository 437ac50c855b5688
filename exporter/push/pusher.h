// SPDX-License-Identifier: Apache-2.0
// Pushes this node's documents to the aggregator, on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "common/clock.h"
#include "common/post/backoff.h"
#include "common/post/sender.h"
#include "exporter/push/queue.h"
#include "exporter/push/stats.h"

namespace cloudmon::push {

// Where in the interval a node pushes: a hash of its name, the same in each run, so that load spreads. Pure.
[[nodiscard]] std::int64_t OffsetMs(std::string_view node, std::int64_t interval_ms);

// The first time after `now_ms` that is `offset_ms` after a multiple of the interval. Pure.
[[nodiscard]] std::int64_t NextTickMs(std::int64_t now_ms, std::int64_t interval_ms, std::int64_t offset_ms);

struct PusherOptions {
  std::string node;  // its name decides when in the interval it pushes
  std::chrono::milliseconds interval{10'000};
  std::size_t queue = 60;  // documents kept while they cannot be sent
  std::string url;         // as post::ParseUrl() gives it
  std::string token_file;  // read for each document; empty: no token is sent
  std::chrono::milliseconds timeout{5000};
};

// At each tick asks for a document and queues it; sends what is queued one by one, oldest first. Ticks that were missed
// are skipped. Logs a line when sending begins to fail, one when it works again, and one for each HTTP status with
// which documents are refused.
class Pusher {
 public:
  // `document` is called on the pusher's thread. `random` as in post::Backoff. `clock` and `stats` must outlive it.
  // Throws std::runtime_error as post::MakeCurlSender.
  Pusher(const PusherOptions& options, std::function<std::string()> document, std::function<double()> random,
         const Clock& clock, Stats& stats);
  // Ends at once: what is not sent yet is dropped, and how much that is gets logged.
  ~Pusher();
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

 private:
  void Run();
  void Turn();
  void Tick();
  void BeginSending();
  void Finish(const post::SendResult& result);
  void LogRefused(const post::SendResult& result);
  void LogFailing(const std::string& reason);
  void LogWorking();
  [[nodiscard]] std::chrono::milliseconds UntilNextEvent() const;
  [[nodiscard]] std::size_t Unsent() const { return queue_.size() + (in_flight_ ? 1 : 0); }

  const PusherOptions options_;
  const std::int64_t offset_ms_;
  const std::function<std::string()> document_;
  const Clock& clock_;
  Stats& stats_;
  std::atomic<bool> stop_ = false;

  // Of the thread alone.
  Queue queue_;
  post::Backoff backoff_;
  std::optional<std::string> in_flight_;  // the document that is being sent
  const std::unique_ptr<post::Sender> sender_;
  std::int64_t next_tick_ms_;                          // Unix time
  std::int64_t retry_at_ms_ = INT64_MIN / 2;           // steady time
  std::optional<std::uint64_t> dropped_when_failing_;  // while sending fails: what was dropped before
  std::set<long> refused_statuses_;                    // logged already

  std::thread thread_;
};

}  // namespace cloudmon::push
