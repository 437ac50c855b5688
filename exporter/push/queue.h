// SPDX-License-Identifier: Apache-2.0
// What waits to be sent. Pure. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
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

}  // namespace cloudmon::push
