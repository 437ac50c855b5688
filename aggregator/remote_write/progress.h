// SPDX-License-Identifier: Apache-2.0
// Which buckets are to be sent. Thread-safe: told by the thread that stores, used by the one that sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "aggregator/remote_write/state_file.h"

namespace cloudmon::remote_write {

// At most so many buckets wait to be sent again; what comes late is at most an hour late, a bucket lasts a second at
// least.
inline constexpr std::size_t kMaxAmended = 4000;

class Progress {
 public:
  // `newest_seconds`: what the store has; nullopt: nothing.
  Progress(State state, std::optional<std::int64_t> newest_seconds);

  // This was appended to the store, and readers see it. Where the clock was set back it is as if it were amended.
  void Appended(std::int64_t time_seconds);
  // These changed, and readers see that. Those that have been read already are sent again later; should too many wait,
  // the oldest are not.
  void Amended(const std::vector<std::int64_t>& times_seconds);

  [[nodiscard]] std::int64_t sent_until_seconds() const;
  // Up to which bucket all is being read, or has been. Set before reading begins.
  void ReadingUntil(std::int64_t time_seconds);
  // All up to this one have been sent.
  void SentUntil(std::int64_t time_seconds);

  // The oldest that is to be sent again. It counts as waiting until EndAmended().
  [[nodiscard]] std::optional<std::int64_t> BeginAmended();
  void EndAmended(bool sent);

  // What is to be kept over a restart.
  [[nodiscard]] State Current() const;

 private:
  void Add(std::int64_t time_seconds);

  mutable std::mutex mu_;  // guards all below
  State state_;
  std::int64_t read_until_seconds_;
  std::int64_t newest_seconds_;  // nothing after it has been read before it was appended
  std::optional<std::int64_t> amending_seconds_;
};

}  // namespace cloudmon::remote_write
