// SPDX-License-Identifier: Apache-2.0
#include "common/post/backoff.h"

#include <algorithm>
#include <random>

namespace cloudmon::post {

std::int64_t Backoff::Failed(std::optional<std::int64_t> retry_after_ms) {
  constexpr std::int64_t kFirstMs = 1000;
  constexpr std::int64_t kMostMs = 60'000;
  constexpr std::int64_t kMostAskedMs = 300'000;
  constexpr unsigned kDoublings = 6;  // then it is at its most
  const std::int64_t up_to_ms = std::min(kFirstMs << std::min(failures_++, kDoublings), kMostMs);
  const auto wait_ms = static_cast<std::int64_t>(random_() * static_cast<double>(up_to_ms));
  return std::max(wait_ms, std::min(retry_after_ms.value_or(0), kMostAskedMs));
}

std::function<double()> MakeRandom() {
  return [engine = std::minstd_rand(std::random_device{}())]() mutable {
    return std::generate_canonical<double, 32>(engine);
  };
}

}  // namespace cloudmon::post
