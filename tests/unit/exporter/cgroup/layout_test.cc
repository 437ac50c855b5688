// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/layout.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using cloudmon::cgroup::BuildLayout;
using cloudmon::cgroup::Controller;
using cloudmon::cgroup::Layout;
using cloudmon::cgroup::Mount;
using cloudmon::cgroup::MountsFromNames;
using cloudmon::cgroup::ParseMounts;
using cloudmon::cgroup::VersionName;

namespace {

constexpr std::string_view kNodeMount = "/sys/fs/cgroup";

// The layout in one line: version, the walked mount, then who reads where.
std::string Describe(const std::vector<Mount>& mounts) {
  const auto layout = BuildLayout(mounts);
  if (!layout) return "none";
  std::string out = std::string(VersionName(layout->version)) + " walk=" + layout->mounts[layout->walk];
  auto add = [&](const char* name, std::optional<std::size_t> mount) {
    if (mount) out += std::string(" ") + name + "=" + layout->mounts[*mount];
  };
  add("unified", layout->unified);
  add("cpu", layout->V1(Controller::kCpu));
  add("cpuacct", layout->V1(Controller::kCpuacct));
  add("memory", layout->V1(Controller::kMemory));
  add("blkio", layout->V1(Controller::kBlkio));
  add("pids", layout->V1(Controller::kPids));
  return out + " mounts=" + std::to_string(layout->mounts.size());
}

std::string Mountinfo(std::string_view mountinfo) {
  return Describe(ParseMounts(mountinfo, kNodeMount, "/host"));
}

}  // namespace

TEST_CASE("layout from mountinfo") {
  CHECK(Mountinfo("22 1 0:20 / /proc rw - proc proc rw\n"
                  "27 23 0:24 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n") ==
        "v2 walk=/host unified=/host mounts=1");
  // Separate mounts, as some minimal systems have them.
  CHECK(Mountinfo("31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
                  "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
                  "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
                  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
                  "38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio\n"
                  "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
                  "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
                  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n") ==
        "hybrid walk=/host/memory unified=/host/unified cpu=/host/cpu cpuacct=/host/cpuacct memory=/host/memory "
        "blkio=/host/blkio pids=/host/pids mounts=6");
  // systemd's: optional fields, cpu and cpuacct in one mount.
  CHECK(Mountinfo("40 31 0:37 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd\n"
                  "42 31 0:39 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
                  "43 31 0:40 / /sys/fs/cgroup/memory rw shared:16 - cgroup cgroup rw,memory\n") ==
        "v1 walk=/host/memory cpu=/host/cpu,cpuacct cpuacct=/host/cpu,cpuacct memory=/host/memory mounts=2");
  // A v1 mount of no interest does not make a v2 node a hybrid one; mounts elsewhere are others'.
  CHECK(Mountinfo("27 23 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                  "50 27 0:50 / /sys/fs/cgroup/net_cls rw - cgroup cgroup rw,net_cls\n"
                  "51 1 0:24 / /run/cilium/cgroupv2 rw - cgroup2 none rw\n"
                  "52 1 0:24 / /sys/fs/cgroups rw - cgroup2 none rw\n") == "v2 walk=/host unified=/host mounts=1");
  // Parts of a mount, mounted again; the whole one counts whatever the order.
  CHECK(Mountinfo("61 31 0:32 /docker/1 /sys/fs/cgroup/memory/docker/1 rw - cgroup cgroup rw,memory\n"
                  "60 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n") ==
        "v1 walk=/host/memory memory=/host/memory mounts=1");
  // Seen from another cgroup namespace.
  CHECK(Mountinfo("32 31 0:24 /../../../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n") ==
        "v2 walk=/host unified=/host mounts=1");
  CHECK(Mountinfo("32 31 0:24 / /sys/fs/cgroup/a\\040b\\134c rw - cgroup cgroup rw,pids\n") ==
        "v1 walk=/host/a b\\c pids=/host/a b\\c mounts=1");
}

TEST_CASE("layout from a mountinfo that is of no use") {
  for (const char* text :
       {"", "\n\n", "x", " - ", " - cgroup2", "27 23 0:24 / - cgroup2 cgroup2 rw", "27 23 0:24 / /sys/fs/cgroup rw",
        "27 23 0:24 / /sys/fs/cgroup rw cgroup2 cgroup2 rw", "27 23 0:24 / /sys/fs/cgroup rw - cgroup cgroup",
        "27 23 0:24 / /other rw - cgroup2 cgroup2 rw", "22 1 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw"}) {
    CAPTURE(text);
    CHECK(Mountinfo(text) == "none");
  }
  const std::string whole = "42 31 0:39 / /sys/fs/cgroup/cpu\\040 rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) CHECK(!Mountinfo(whole.substr(0, cut)).empty());
}

TEST_CASE("layout from names in the directory") {
  auto names = [](const std::vector<std::string>& found) { return Describe(MountsFromNames(found, "/copy")); };
  CHECK(names({"cgroup.procs", "cgroup.controllers", "kubepods", "memory.stat"}) ==
        "v2 walk=/copy unified=/copy mounts=1");
  CHECK(names({"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "systemd", "unified"}) ==
        "hybrid walk=/copy/memory unified=/copy/unified cpu=/copy/cpu cpuacct=/copy/cpuacct memory=/copy/memory "
        "blkio=/copy/blkio pids=/copy/pids mounts=6");
  CHECK(names({"cpuacct,cpu", "pids"}) ==
        "v1 walk=/copy/cpuacct,cpu cpu=/copy/cpuacct,cpu cpuacct=/copy/cpuacct,cpu pids=/copy/pids mounts=2");
  CHECK(names({"unified"}) == "v2 walk=/copy/unified unified=/copy/unified mounts=1");
  CHECK(names({"freezer", "x"}) == "none");
  CHECK(names({}) == "none");
}

TEST_CASE("the mount that is walked: memory, else cpuacct, cpu, pids, blkio") {
  auto walked = [](const std::vector<std::string>& found) {
    const auto layout = BuildLayout(MountsFromNames(found, ""));
    return layout->mounts[layout->walk];
  };
  CHECK(walked({"blkio", "pids", "cpu", "cpuacct", "memory"}) == "/memory");
  CHECK(walked({"blkio", "pids", "cpu", "cpuacct"}) == "/cpuacct");
  CHECK(walked({"blkio", "pids", "cpu"}) == "/cpu");
  CHECK(walked({"blkio", "pids", "unified"}) == "/pids");
  CHECK(walked({"blkio"}) == "/blkio");
}
