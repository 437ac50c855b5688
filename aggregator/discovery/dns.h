// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>

#include "aggregator/discovery/discovery.h"
#include "aggregator/discovery/dns_name.h"

namespace cloudmon::discovery {

// Targets of a name in DNS, which a thread of its own looks up every `interval`, and every 30 s at least. A name that
// exists without records has no targets. While a look-up fails, or there is no such name, its last targets stay, with
// one warning for each reason.
std::unique_ptr<Discovery> MakeDns(DnsName name, std::chrono::milliseconds interval);

}  // namespace cloudmon::discovery
