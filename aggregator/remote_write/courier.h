// SPDX-License-Identifier: Apache-2.0
// Brings buckets from the store to the receiver: in order, each as often as it takes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "aggregator/remote_write/bucket_encoder.h"
#include "aggregator/remote_write/progress.h"
#include "aggregator/remote_write/send_log.h"
#include "aggregator/remote_write/ship_stats.h"
#include "aggregator/remote_write/state_file.h"
#include "aggregator/remote_write/window_reader.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/post/backoff.h"
#include "common/post/sender.h"
#include "common/result.h"

namespace cloudmon::remote_write {

// What a reload may change.
struct Target {
  std::unique_ptr<post::Sender> sender;
  Labels labels;                       // external
  std::size_t max_samples = 10'000;    // of a request
  std::int64_t retention_seconds = 0;  // older buckets are not sent
};

// All but Wake() and Stats() is for one thread at a time. A request has samples of one bucket only: a receiver that
// takes a series' samples in order then refuses a request that it has already, and nothing else with it. Buckets that
// were amended after they were sent go last.
class Courier {
 public:
  // All references must outlive it. `random` as in post::Backoff.
  Courier(const store::Store& store, Progress& progress, const StateFile& file, const Clock& clock,
          std::function<double()> random, std::int64_t interval_seconds, Target target);

  // Abandons what is being sent; it is made anew for the new target.
  void SetTarget(Target target);
  // The same after an exception; tries again in a second.
  void Restart();

  // Makes and begins to send the next request, unless one is being sent. True where there is something to do at once;
  // false: nothing is to be sent, or not before a failure's wait is over.
  [[nodiscard]] bool Prepare();
  // Works until something happens, Wake() is called or the time is over.
  void Wait(std::chrono::milliseconds at_most);
  // Writes to the file how far it has come. Wait() and Prepare() do so about once a second, and when all is sent.
  void Save();

  // Ends a Wait, now or the next one. Thread-safe.
  void Wake();
  // Thread-safe.
  [[nodiscard]] ShipStats Stats() const;

 private:
  // The bucket that is being sent.
  struct Bucket {
    std::int64_t time_seconds;
    bool amended;
  };

  std::optional<Request> NextRequest();
  bool BeginBucket();
  bool BeginNew(std::int64_t time_seconds, std::int64_t newest_seconds);
  bool BeginAmended(std::int64_t time_seconds);
  void EndBucket();
  void SkipForgotten(std::int64_t newest_seconds);
  bool TakeWindow(Result<Window> window);
  void Encode(const Part& part);
  void Abandon();
  void Finish(const post::SendResult& result);
  void WaitAfterFailure(std::optional<std::int64_t> retry_after_ms);
  void Count(post::Outcome outcome);
  [[nodiscard]] bool IsWaiting() const { return clock_.SteadyMs() < retry_at_ms_; }
  [[nodiscard]] std::chrono::milliseconds UntilNextEvent() const;

  const store::Store& store_;
  Progress& progress_;
  const StateFile& file_;
  const Clock& clock_;
  const std::int64_t interval_seconds_;
  Target target_;  // its sender is replaced under mu_
  WindowReader reader_;
  post::Backoff backoff_;
  SendLog log_;

  std::optional<Window> window_;
  std::optional<Bucket> bucket_;
  std::optional<BucketEncoder> encoder_;  // of it; null where there is nothing to send
  std::optional<Request> request_;        // that is not answered, or failed
  bool in_flight_ = false, failed_before_ = false;
  bool idle_ = false;  // there was nothing to send
  std::int64_t retry_at_ms_ = INT64_MIN / 2;
  std::optional<State> saved_;               // what the file says; nullopt: not known
  std::int64_t save_at_ms_ = INT64_MIN / 2;  // while there is something to send
  bool save_failed_ = false;

  mutable std::mutex mu_;
  ShipStats stats_;  // guarded by mu_; how far it has come is asked of progress_
};

}  // namespace cloudmon::remote_write
