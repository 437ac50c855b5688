// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace cloudmon::push {

// What pushing has done so far: written by the Pusher, read by /metrics. Thread-safe.
struct Stats {
  std::atomic<std::uint64_t> sent = 0, refused = 0, dropped = 0;  // documents
  std::atomic<std::uint64_t> failures = 0;                        // attempts that are made again
  std::atomic<std::uint64_t> queued = 0;                          // documents that wait, the one being sent included
  std::atomic<std::int64_t> last_success_ms = 0;                  // Unix time; 0: never
};

}  // namespace cloudmon::push
