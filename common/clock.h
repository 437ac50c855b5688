// SPDX-License-Identifier: Apache-2.0
// The time of day and a steady time, given to whoever needs them so that tests can set them.
#pragma once

#include <cstdint>

namespace cloudmon {

class Clock {
 public:
  virtual ~Clock() = default;
  // Unix time in milliseconds. May jump when the system's time is set.
  [[nodiscard]] virtual std::int64_t NowMs() const = 0;
  // Milliseconds since some fixed point; never goes back. For durations and timeouts.
  [[nodiscard]] virtual std::int64_t SteadyMs() const = 0;
};

// The real clock. Thread-safe.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t NowMs() const override;
  [[nodiscard]] std::int64_t SteadyMs() const override;
};

}  // namespace cloudmon
