// SPDX-License-Identifier: Apache-2.0
// Devices of a node whose bytes are counted on another device too: they are left out of the node's sums. Pure;
// thread-safe.
#pragma once

#include <string_view>

namespace cloudmon {

// A disk that only stands for others: "/dev/dm-0", "md0", "loop1".
[[nodiscard]] bool IsStackedDisk(std::string_view device);

// The loopback, and the node's ends of what leads into pods: "lo", "veth1", "br-1a2b".
[[nodiscard]] bool IsInnerInterface(std::string_view device);

}  // namespace cloudmon
