// SPDX-License-Identifier: Apache-2.0
#include "common/devices.h"

#include <algorithm>
#include <initializer_list>

namespace cloudmon {
namespace {

bool StartsWithAny(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return text.starts_with(prefix); });
}

}  // namespace

bool IsStackedDisk(std::string_view device) {
  if (device.starts_with("/dev/")) device.remove_prefix(5);
  return StartsWithAny(device, {"dm-", "mapper/", "md", "loop", "ram"});
}

bool IsInnerInterface(std::string_view device) {
  return device == "lo" || device == "nodelocaldns" ||
         StartsWithAny(device, {"veth", "docker", "br-", "cni", "cali", "cilium", "lxc", "flannel", "tunl"});
}

}  // namespace cloudmon
