// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace cloudmon::test {

// Far longer than what is waited for ever takes: a test that waits in vain fails instead of hanging.
inline constexpr std::chrono::seconds kLongWait{60};

// Whether it came true in time. Use with REQUIRE or CHECK.
template <class Predicate>
[[nodiscard]] bool WaitUntil(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, Predicate is_true) {
  return changed.wait_for(lock, kLongWait, is_true);
}

}  // namespace cloudmon::test
