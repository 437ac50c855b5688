// SPDX-License-Identifier: Apache-2.0
// What a name of --scrape.dns asks for, and the targets that its addresses are. Pure; thread-safe.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/discovery/target.h"
#include "common/result.h"

namespace cloudmon::discovery {

inline constexpr std::size_t kMaxDnsTargets = 5000;  // of one name

struct DnsName {
  std::string text;        // as given
  std::string host;        // what is looked up
  bool is_srv = false;     // SRV records give hosts and ports; else A or AAAA records give addresses
  std::uint16_t port = 0;  // of A and AAAA
  std::string scheme;      // "http"
  std::string path;        // "/metrics"
};

struct DnsEndpoint {
  std::string address;  // "10.0.0.7", "fd00::7"
  std::uint16_t port = 0;

  auto operator<=>(const DnsEndpoint&) const = default;
};

// "exporters.monitoring.svc:9780", or with a leading underscore the name of SRV records: "_metrics._tcp.exporters".
// Both may have a scheme before and a path behind. Error: kInvalid with what was expected.
[[nodiscard]] Result<DnsName> ParseDnsName(std::string_view text);

// Sorted, each once. Error: kLimit where there are more than kMaxDnsTargets.
[[nodiscard]] Result<std::vector<Target>> TargetsOf(const DnsName& name, std::vector<DnsEndpoint> endpoints);

}  // namespace cloudmon::discovery
