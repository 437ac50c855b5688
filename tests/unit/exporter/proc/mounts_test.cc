// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/mounts.h"

#include <doctest/doctest.h>

#include <string>

using cloudmon::ErrorCode;
using namespace cloudmon::proc;

namespace {

// "device mount_point type" of each, joined by "; ".
std::string Show(const std::vector<Mount>& mounts) {
  std::string out;
  for (const Mount& mount : mounts) {
    if (!out.empty()) out += "; ";
    out += mount.device + " " + mount.mount_point + " " + mount.type;
  }
  return out;
}

}  // namespace

TEST_CASE("ParseMounts resolves escapes") {
  const auto good = [](std::string_view in, std::string_view want) {
    CAPTURE(in);
    const auto mounts = ParseMounts(in);
    REQUIRE(mounts.ok());
    CHECK(Show(mounts.value()) == want);
  };
  good("", "");
  good("/dev/vda / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n", "/dev/vda / ext4; proc /proc proc");
  good(R"(/dev/sdb1 /mnt/my\040disk ext4 rw 0 0)", "/dev/sdb1 /mnt/my disk ext4");
  good(R"(a\134b /t\011n\012 ext4 rw 0 0)", "a\\b /t\tn\n ext4");
  good(R"(a\ b\04 c\049 ext4)", R"(a\ b\04 c\049)");  // not escapes
  good("/dev/vda / ext4", "/dev/vda / ext4");

  for (std::string_view in : {"/dev/vda", "/dev/vda / \n", "a / ext4\n \n"}) {
    CAPTURE(in);
    REQUIRE(!ParseMounts(in).ok());
    CHECK(ParseMounts(in).error().code == ErrorCode::kParse);
    CHECK(ParseMounts(in).error().message.starts_with("line "));
  }
}

TEST_CASE("NodeFileSystems") {
  const auto are = [](const std::vector<Mount>& in, std::string_view want) {
    CHECK(Show(NodeFileSystems(in)) == want);
  };
  are({}, "");
  are({{"/dev/vdb", "/var/data", "xfs"}, {"/dev/vda", "/", "ext4"}}, "/dev/vda / ext4; /dev/vdb /var/data xfs");
  // Not on a disk of this node, or not safe to ask.
  are({{"tmpfs", "/tmp", "tmpfs"},
       {"overlay", "/merged", "overlay"},
       {"cgroup2", "/cg", "cgroup2"},
       {"/dev/loop0", "/snap/x", "squashfs"},
       {"host:/export", "/mnt/a", "nfs4"},
       {"//host/share", "/mnt/b", "cifs"},
       {"sshfs", "/mnt/c", "fuse.sshfs"},
       {"systemd-1", "/mnt/d", "autofs"}},
      "");
  // Below directories that hold copies.
  are({{"/dev/vda", "/var/lib/kubelet/pods/x/volumes/y", "ext4"},
       {"/dev/vdb", "/run/media/x", "ext4"},
       {"/dev/vdc", "/var/lib/containerd/x", "xfs"},
       {"/dev/vdd", "/dev/x", "ext4"}},
      "");
  are({{"/dev/vda", "/var/lib/containerd", "ext4"}, {"/dev/vdb", "/running", "ext4"}},
      "/dev/vdb /running ext4; /dev/vda /var/lib/containerd ext4");
  // The same device at several places.
  are({{"/dev/vda", "/var/lib/kubelet/x", "ext4"},
       {"/dev/vda", "/mnt/copy", "ext4"},
       {"/dev/vda", "/data", "ext4"},
       {"/dev/vda", "/data2", "ext4"}},
      "/dev/vda /data ext4");
  // Hidden below a later mount.
  are({{"/dev/vda", "/data", "ext4"}, {"tmpfs", "/data", "tmpfs"}}, "");
  are({{"/dev/vda", "/data", "ext4"}, {"/dev/vdb", "/data", "ext4"}}, "/dev/vdb /data ext4");
}
