// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace cloudmon::remote_write {

// What sending has done so far. Pure data.
struct ShipStats {
  std::uint64_t samples = 0, samples_dropped = 0;  // taken by the receiver; refused for good
  std::uint64_t requests_ok = 0, requests_refused = 0, requests_failed = 0;
  std::uint64_t retries = 0;            // requests sent again after they failed
  std::int64_t sent_until_seconds = 0;  // the newest bucket that was sent whole, with all before it
  std::optional<bool> up;               // whether the last request was taken; nullopt before the first
};

}  // namespace cloudmon::remote_write
