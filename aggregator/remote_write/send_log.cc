// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/send_log.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace cloudmon::remote_write {

void SendLog::Failed(const std::string& reason) {
  if (std::exchange(failing_, true)) return;
  spdlog::warn("remote_write: cannot send: {}. Buckets wait in the database, up to storage.retention", reason);
}

void SendLog::Worked() {
  if (std::exchange(failing_, false)) spdlog::info("remote_write: sending works again");
}

void SendLog::Refused(std::int64_t steady_ms, std::size_t samples, const std::string& reason) {
  constexpr std::int64_t kPeriodMs = 5 * 60'000;
  ++refused_requests_;
  refused_samples_ += samples;
  if (steady_ms < say_refused_at_ms_) return;
  say_refused_at_ms_ = steady_ms + kPeriodMs;
  spdlog::warn("remote_write: the receiver refused {} requests with {} samples, which are dropped: {}",
               std::exchange(refused_requests_, 0), std::exchange(refused_samples_, 0), reason);
}

void SendLog::Behind(std::int64_t steady_ms, std::int64_t buckets, std::int64_t sent_until_seconds) {
  constexpr std::int64_t kPeriodMs = 60'000;
  if (buckets <= 0) {
    if (std::exchange(said_behind_, false)) spdlog::info("remote_write: all is sent again");
    say_behind_at_ms_.reset();
    return;
  }
  if (!say_behind_at_ms_) say_behind_at_ms_ = steady_ms + kPeriodMs;
  if (steady_ms < *say_behind_at_ms_) return;
  say_behind_at_ms_ = steady_ms + kPeriodMs;
  said_behind_ = true;
  spdlog::info("remote_write: catching up: sent up to bucket {}, {} buckets to go", sent_until_seconds, buckets);
}

void SendLog::Saved(const std::optional<std::string>& error) {
  const bool failed_before = std::exchange(saving_fails_, error.has_value());
  if (error && !failed_before) {
    spdlog::error("remote_write: {}; after a restart, what was sent since would be sent again", *error);
  }
  if (!error && failed_before) spdlog::info("remote_write: how far it has come is kept again");
}

}  // namespace cloudmon::remote_write
