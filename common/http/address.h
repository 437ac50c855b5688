// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cloudmon::http {

struct ListenAddress {
  std::string host;  // empty: all addresses; an IPv6 address is without its brackets
  bool is_ipv6 = false;
  std::uint16_t port = 0;  // 0: any free one
};

// Parses "HOST:PORT", ":PORT" and "[::1]:PORT". A host is a name or an address; names are not resolved here.
// Error: kInvalid, naming the text and what was expected. Thread-safe.
Result<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace cloudmon::http
