// SPDX-License-Identifier: Apache-2.0
#include "common/clock.h"

#include <chrono>

namespace cloudmon {
namespace {

template <class ClockType>
std::int64_t Milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(ClockType::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t SystemClock::NowMs() const {
  return Milliseconds<std::chrono::system_clock>();
}
std::int64_t SystemClock::SteadyMs() const {
  return Milliseconds<std::chrono::steady_clock>();
}

}  // namespace cloudmon
