// SPDX-License-Identifier: Apache-2.0
// When a list or a watch that failed is tried again.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "common/result.h"

namespace cloudmon::kube {

// The first try after a failure is at once, the next after 1, 2, 4 ... 30 s, or down to half of that at random. That
// the server has forgotten a version (kGone) is no failure of the server, and all is listed at once, once: it is one
// where it comes again before a success. Not thread-safe.
class Retry {
 public:
  explicit Retry(std::uint32_t seed) : random_(seed) {}
  // How long to wait after this failure.
  std::chrono::milliseconds Failed(ErrorCode code);
  void Succeeded();
  [[nodiscard]] int failures_in_row() const { return failures_in_row_; }

 private:
  std::minstd_rand random_;
  int failures_in_row_ = 0;
  bool was_gone_ = false;  // since the last success
};

}  // namespace cloudmon::kube
