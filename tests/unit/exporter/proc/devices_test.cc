// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/devices.h"

#include <doctest/doctest.h>

#include <vector>

using namespace cloudmon::proc;

TEST_CASE("IsNodeInterface") {
  for (std::string_view name :
       {"eth0", "ens3", "enp0s31f6", "wlan0", "bond0", "eth0.100", "br0", "lo0", "local0", ""}) {
    CAPTURE(name);
    CHECK(IsNodeInterface(name));
  }
  for (std::string_view name : {"lo", "veth6f1b7c9e", "docker0", "docker_gwbridge", "cali1234", "cilium_host", "cni0",
                                "lxc1a2b", "nodelocaldns", "tunl0", "flannel.1"}) {
    CAPTURE(name);
    CHECK(!IsNodeInterface(name));
  }
}

TEST_CASE("IsNodeDisk") {
  for (std::string_view name :
       {"sda",  "sdaa", "hdb",   "vda", "xvda", "nvme0n1", "nvme10n12", "mmcblk0", "dm-0", "md127",
        "nbd0", "rbd1", "drbd0", "sd",  "p1",   "n1p1",    "nvmen1p1",  "ramdisk", "7",    ""}) {
    CAPTURE(name);
    CHECK(IsNodeDisk(name));
  }
  for (std::string_view name : {"sda1", "sdaa12", "hdb2", "vda1", "xvda3", "nvme0n1p1", "nvme10n12p128", "mmcblk0p2",
                                "ram0", "zram0", "loop7", "fd0", "sr0"}) {
    CAPTURE(name);
    CHECK(!IsNodeDisk(name));
  }
}

TEST_CASE("DeviceNames") {
  std::vector<Disk> disks(2);
  disks[0].major = 254;
  disks[0].name = "vda";
  disks[1].major = 254;
  disks[1].minor = 1;
  disks[1].name = "vda1";
  const auto names = DeviceNames(disks);
  CHECK(names.size() == 2);
  CHECK(names.at({254, 0}) == "/dev/vda");
  CHECK(names.at({254, 1}) == "/dev/vda1");
}
