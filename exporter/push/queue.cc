// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/queue.h"

#include <algorithm>
#include <utility>

namespace cloudmon::push {

void Queue::Add(std::string document) {
  if (documents_.size() == capacity_) {
    documents_.pop_front();
    ++dropped_;
  }
  documents_.push_back(std::move(document));
}

std::string Queue::TakeOldest() {
  std::string document = std::move(documents_.front());
  documents_.pop_front();
  return document;
}

void Queue::PutBack(std::string document) {
  if (documents_.size() == capacity_) {
    ++dropped_;
    return;
  }
  documents_.push_front(std::move(document));
}

std::int64_t Backoff::Failed(std::optional<std::int64_t> retry_after_ms) {
  constexpr std::int64_t kFirstMs = 1000;
  constexpr std::int64_t kMostMs = 60'000;
  constexpr std::int64_t kMostAskedMs = 300'000;
  constexpr unsigned kDoublings = 6;  // then it is at its most
  const std::int64_t up_to_ms = std::min(kFirstMs << std::min(failures_++, kDoublings), kMostMs);
  const auto wait_ms = static_cast<std::int64_t>(random_() * static_cast<double>(up_to_ms));
  return std::max(wait_ms, std::min(retry_after_ms.value_or(0), kMostAskedMs));
}

}  // namespace cloudmon::push
