// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"

namespace cloudmon::test {

// A clock that stands still until told. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::int64_t now_ms) : now_ms_(now_ms) {}
  [[nodiscard]] std::int64_t NowMs() const override { return now_ms_; }
  [[nodiscard]] std::int64_t SteadyMs() const override { return now_ms_; }
  void Advance(std::int64_t milliseconds) { now_ms_ += milliseconds; }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace cloudmon::test
