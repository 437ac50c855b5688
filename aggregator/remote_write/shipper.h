// SPDX-License-Identifier: Apache-2.0
// Sends what is stored to a receiver of Prometheus' remote write protocol, on a thread of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/remote_write/courier.h"
#include "aggregator/remote_write/labels.h"
#include "aggregator/remote_write/progress.h"
#include "aggregator/remote_write/ship_stats.h"
#include "aggregator/remote_write/state_file.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/post/sender.h"

namespace cloudmon::remote_write {

struct ShipperOptions {
  std::string url;                                           // as post::ParseUrl() gives it
  Labels labels;                                             // added to every series
  std::string token_file, username, password_file, ca_file;  // as in post::SenderOptions
  bool verify_tls = true;
  std::chrono::milliseconds timeout{30'000};
  std::size_t max_samples = 10'000;  // of a request
  std::int64_t retention_seconds = 0;
  // A reload cannot change these.
  std::int64_t interval_seconds = 10;
  std::string directory;  // where it is kept how far it has come
};

// Where sending begins: where it stopped, or without a (good) file after the newest bucket. Says so in the log.
[[nodiscard]] State BeginFrom(const Result<std::optional<State>>& kept, std::optional<std::int64_t> newest_seconds,
                              std::int64_t now_seconds, std::int64_t interval_seconds);

// Thread-safe.
class Shipper {
 public:
  using MakeSender = std::function<std::unique_ptr<post::Sender>(const post::SenderOptions&)>;

  // `store` and `clock` must outlive it. `random` as in post::Backoff. Throws as `make_sender`.
  Shipper(const ShipperOptions& options, const store::Store& store, const Clock& clock, std::function<double()> random,
          MakeSender make_sender = post::MakeCurlSender);
  // Sends what is ready, for two seconds at most.
  ~Shipper();
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;

  // After a bucket was appended to the store, or some were amended. Does not wait for anything.
  void Appended(std::int64_t time_seconds);
  void Amended(const std::vector<std::int64_t>& times_seconds);
  // What is being sent is sent anew in the new way.
  void Reload(const ShipperOptions& options);
  [[nodiscard]] ShipStats Stats() const { return courier_.Stats(); }

 private:
  void Run();
  bool Turn();
  Target TargetOf(const ShipperOptions& options) const;

  const Clock& clock_;
  const MakeSender make_sender_;
  const StateFile file_;
  Progress progress_;
  Courier courier_;
  std::mutex mu_;
  std::optional<Target> next_target_;                 // guarded by mu_
  std::atomic<std::int64_t> stop_at_ms_ = INT64_MAX;  // steady time
  std::thread thread_;
};

}  // namespace cloudmon::remote_write
