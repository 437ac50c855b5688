// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/mounts.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/text.h"

namespace cloudmon::proc {
namespace {

bool IsLocalDiskType(std::string_view type) {
  constexpr std::string_view kTypes[] = {"bcachefs", "btrfs", "exfat", "ext2",  "ext3",     "ext4", "f2fs", "jfs",
                                         "nilfs2",   "ntfs",  "ntfs3", "ocfs2", "reiserfs", "vfat", "xfs",  "zfs"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

bool IsBelow(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

bool IsOfNoInterest(std::string_view mount_point) {
  // These hold the kernel's own file systems, and for each container a copy of mounts that are counted elsewhere.
  constexpr std::string_view kDirectories[] = {
      "/dev", "/proc", "/run", "/sys", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet"};
  return std::any_of(std::begin(kDirectories), std::end(kDirectories),
                     [&](std::string_view directory) { return IsBelow(mount_point, directory); });
}

}  // namespace

Result<std::vector<Mount>> ParseMounts(std::string_view text) {
  std::vector<Mount> mounts;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text::CutLine(text);
    if (line.empty()) continue;
    const std::string_view device = text::CutToken(line);
    const std::string_view mount_point = text::CutToken(line);
    const std::string_view type = text::CutToken(line);
    if (type.empty()) {
      return Error{ErrorCode::kParse, "line " + std::to_string(number) + ": not a device, a mount point and a type"};
    }
    mounts.push_back({text::UnescapeOctal(device), text::UnescapeOctal(mount_point), std::string(type)});
  }
  return mounts;
}

std::vector<Mount> NodeFileSystems(const std::vector<Mount>& mounts) {
  std::map<std::string_view, const Mount*> visible;  // by mount point: a later mount hides an earlier one
  for (const Mount& mount : mounts) visible[mount.mount_point] = &mount;
  std::map<std::string_view, const Mount*> by_device;
  for (const auto& [mount_point, mount] : visible) {
    if (!IsLocalDiskType(mount->type) || IsOfNoInterest(mount_point)) continue;
    const Mount*& kept = by_device[mount->device];
    if (kept == nullptr || mount_point.size() < kept->mount_point.size()) kept = mount;
  }
  std::vector<Mount> out;
  for (const auto& [device, mount] : by_device) out.push_back(*mount);
  std::sort(out.begin(), out.end(), [](const Mount& a, const Mount& b) { return a.mount_point < b.mount_point; });
  return out;
}

}  // namespace cloudmon::proc
