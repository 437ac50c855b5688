// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/read_layout.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/file.h"
#include "exporter/cgroup/directory.h"

namespace cloudmon::cgroup {
namespace {

// The mounts may be hidden from here, or roots.cgroup be something else than the node's (a copy).
bool IsThere(const Mount& mount) {
  const std::string proof = mount.unified ? mount.path + "/cgroup.controllers" : mount.path + "/.";
  return ::access(proof.c_str(), F_OK) == 0;
}

std::optional<Layout> LayoutOf(const Result<std::string>& mountinfo, const Roots& roots) {
  if (!mountinfo.ok()) return std::nullopt;
  std::vector<Mount> mounts = ParseMounts(mountinfo.value(), kNodeCgroupMount, roots.cgroup);
  std::erase_if(mounts, [](const Mount& mount) { return !IsThere(mount); });
  return BuildLayout(std::move(mounts));
}

}  // namespace

Result<Layout> ReadLayout(const Roots& roots) {
  for (const char* process : {"/1/mountinfo", "/self/mountinfo"}) {
    if (auto layout = LayoutOf(ReadFile(roots.procfs + process), roots)) return *std::move(layout);
  }
  auto directory = OpenDirectory(AT_FDCWD, roots.cgroup.c_str());
  if (!directory.ok()) return Wrap(directory.error(), "--path.cgroup");
  const auto names = ListNames(directory.value().get());
  if (!names.ok()) return Wrap(names.error(), "--path.cgroup: " + roots.cgroup);
  if (auto layout = BuildLayout(MountsFromNames(names.value(), roots.cgroup))) return *std::move(layout);
  return Error{ErrorCode::kNotFound, "no cgroup mounts in " + roots.cgroup +
                                         ": set --path.cgroup to where the node's " + std::string(kNodeCgroupMount) +
                                         " is seen from here"};
}

}  // namespace cloudmon::cgroup
