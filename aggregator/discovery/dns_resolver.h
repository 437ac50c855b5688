// SPDX-License-Identifier: Apache-2.0
// Looks names up with c-ares, which asks many at once and can be ended at any time.
#pragma once

#include <chrono>
#include <vector>

#include "aggregator/discovery/dns_name.h"
#include "common/file.h"
#include "common/result.h"

namespace cloudmon::discovery {

// One thread at a time, except Stop.
class DnsResolver {
 public:
  DnsResolver();  // throws std::runtime_error where the system has no descriptors left

  // Waits for the answer, 5 s at most. resolv.conf and hosts are read each time. A name that exists without records has
  // no endpoints; one with both A and AAAA records has those of A, as both lead to the same programs. Errors: kNotFound
  // (no such name), kTimeout, kGone after Stop, kIo with the name servers' words.
  [[nodiscard]] Result<std::vector<DnsEndpoint>> LookUp(const DnsName& name);

  // Waits; false: Stop was called.
  [[nodiscard]] bool Sleep(std::chrono::milliseconds time) const;

  // Ends a LookUp and a Sleep, now and from now on. Thread-safe.
  void Stop();

 private:
  UniqueFd stop_fd_;
};

}  // namespace cloudmon::discovery
