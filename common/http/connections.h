// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "common/clock.h"

namespace cloudmon::http {

// The connections that hold a thread of the server. civetweb gives each connection a thread until it closes, so a few
// clients that say nothing could take them all. When the last thread is taken, those that have waited longest for their
// client are hung up until one is free. Those whose handler runs are never touched. Thread-safe.
class Connections {
 public:
  using Id = const void*;
  enum class State : std::uint8_t { kReading, kHandling, kWriting };

  // A client that was heard of so recently is left alone: it is likely to be in the middle of something, and a moment
  // later its connection is closed with its answer, for Crowded() holds.
  static constexpr std::int64_t kGraceMs = 10;

  // `hang_up` ends a connection from outside, so that its thread comes back and calls Closed(); false when it could
  // not. It is called with the lock held: the connection cannot close, and its descriptor cannot be reused, meanwhile.
  Connections(std::size_t threads, const Clock& clock, std::function<bool(Id)> hang_up);

  // A new connection, reading.
  void Opened(Id id);
  // Each step of a connection and what it does now.
  void Moved(Id id, State state);
  void Closed(Id id);

  // Whether connections should be closed after their answer instead of waiting for another request.
  [[nodiscard]] bool Crowded() const;
  // Whether CloseAll was called: what could go on for long has to end.
  [[nodiscard]] bool Closing() const;

  // Hangs up those that have to go now. True when it is to be tried again soon: all threads are still taken.
  bool MakeRoom();
  // Does so whenever needed, until CloseAll; for a thread of its own.
  void KeepRoom();

  // Hangs up each connection as soon as it reads, also new ones, until none is left or `limit` has passed; in the end
  // also those whose client does not take its answer.
  void CloseAll(std::chrono::milliseconds limit);

 private:
  struct Entry {
    State state = State::kReading;
    std::int64_t moved_ms = 0;
    bool hung_up = false;
  };
  using Entries = std::map<Id, Entry>;
  bool MakeRoomLocked();
  bool HangUp(Entries::iterator entry);

  const std::size_t threads_;
  const Clock& clock_;
  const std::function<bool(Id)> hang_up_;
  mutable std::mutex mu_;
  std::condition_variable changed_;  // full, closing or a connection closed
  Entries entries_;                  // guarded by mu_
  std::size_t live_ = 0;             // entries that are not hung up; guarded by mu_
  bool closing_ = false;             // guarded by mu_
};

}  // namespace cloudmon::http
