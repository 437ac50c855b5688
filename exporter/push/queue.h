// SPDX-License-Identifier: Apache-2.0
// What waits to be sent, and how long to wait after a failure. Pure. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace cloudmon::push {

// Unsent documents, at most `capacity` (at least 1). When it is full the oldest goes.
class Queue {
 public:
  explicit Queue(std::size_t capacity) : capacity_(capacity) {}

  void Add(std::string document);
  // REQUIRES: not empty.
  [[nodiscard]] std::string TakeOldest();
  // A document taken that could not be sent is the oldest again; when the queue is full by now it goes itself.
  void PutBack(std::string document);

  [[nodiscard]] bool empty() const { return documents_.empty(); }
  [[nodiscard]] std::size_t size() const { return documents_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  const std::size_t capacity_;
  std::deque<std::string> documents_;  // oldest first
  std::uint64_t dropped_ = 0;
};

// How long to wait after the first failure, the second ...: a random time up to 1 s, 2 s, 4 s ... 60 s, so that many
// nodes do not come back at the same moment, but at least what the server asks for, up to 5 minutes.
class Backoff {
 public:
  // `random` gives numbers from 0 up to, but not, 1.
  explicit Backoff(std::function<double()> random) : random_(std::move(random)) {}

  // The wait in milliseconds. `retry_after_ms`: what the server asks for.
  [[nodiscard]] std::int64_t Failed(std::optional<std::int64_t> retry_after_ms);
  void Succeeded() { failures_ = 0; }

 private:
  const std::function<double()> random_;
  unsigned failures_ = 0;
};

}  // namespace cloudmon::push
