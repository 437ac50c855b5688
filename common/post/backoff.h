// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>

namespace cloudmon::post {

// How long to wait after the first failure, the second ...: a random time up to 1 s, 2 s, 4 s ... 60 s, so that many
// senders do not come back at the same moment, but at least what the server asks for, up to 5 minutes. Pure. One thread
// at a time.
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

// A source of such numbers, another one in each process.
[[nodiscard]] std::function<double()> MakeRandom();

}  // namespace cloudmon::post
