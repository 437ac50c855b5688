// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "aggregator/remote_write/bucket_encoder.h"
#include "aggregator/store/store.h"
#include "common/result.h"

namespace cloudmon::remote_write {

// Unless one bucket has more, a window has at most so many points: 15 MB.
inline constexpr std::size_t kWindowPoints = 100'000;

// Reads from the store what is to be sent: some buckets at once, as an hour of a series is stored in one piece. One
// thread at a time; does I/O.
class WindowReader {
 public:
  // `store` must outlive it.
  WindowReader(const store::Store& store, std::int64_t interval_seconds, std::size_t window_points = kWindowPoints)
      : store_(store), interval_seconds_(interval_seconds), window_points_(window_points) {}

  // Buckets from start on, at least one, and before `end_seconds`: as many as there is room for. Error: kIo.
  Result<Window> Read(std::int64_t start_seconds, std::int64_t end_seconds);
  // All of them. Errors: kIo; kLimit where there are more points.
  [[nodiscard]] Result<Window> ReadAll(std::int64_t start_seconds, std::int64_t end_seconds,
                                       std::size_t max_points = SIZE_MAX) const;

 private:
  const store::Store& store_;
  const std::int64_t interval_seconds_;
  const std::size_t window_points_;
  std::int64_t buckets_ = 1;  // of the next window, at most
};

}  // namespace cloudmon::remote_write
