// SPDX-License-Identifier: Apache-2.0
// Which interfaces and disks are the node's own. Pure; safe to call from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/proc/node.h"

namespace cloudmon::proc {

// False for the loopback and for what container networks make on the node's side: lo, veth*, docker*, cali*, cilium*,
// cni*, lxc*, nodelocaldns, tunl*, flannel*. Their traffic is counted on a real interface too.
[[nodiscard]] bool IsNodeInterface(std::string_view name);

// False for partitions (sda1, xvdb2, nvme0n1p1, mmcblk0p1), whose figures are in their disk's too, and for ram, zram,
// loop, fd and sr devices.
[[nodiscard]] bool IsNodeDisk(std::string_view name);

// (major, minor) -> "/dev/sda": how cAdvisor names the devices that a cgroup's io files know by number only.
[[nodiscard]] std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> DeviceNames(std::span<const Disk> disks);

}  // namespace cloudmon::proc
