// SPDX-License-Identifier: Apache-2.0
#include "tests/support/recorded_tree.h"

#include <cstdint>

#include "common/text.h"
#include "tests/support/files.h"

namespace cloudmon::test {

std::string RecordedPath(std::string_view node) {
  return CM_RECORDED_NODES "/" + std::string(node);
}

Roots RecordedRoots(std::string_view node) {
  const std::string rootfs = RecordedPath(node) + "/rootfs";
  return Roots{.procfs = rootfs + "/proc",
               .cgroup = rootfs + "/sys/fs/cgroup",
               .rootfs = rootfs,
               .podlogs = rootfs + "/var/log/pods"};
}

std::vector<RecordedContainer> RecordedContainers(std::string_view node) {
  const std::string file = ReadText(RecordedPath(node) + "/containers.txt");
  std::vector<RecordedContainer> containers;
  std::string_view rest = file;
  while (!rest.empty()) {
    std::string_view line = text::CutLine(rest);
    RecordedContainer container;
    container.name = text::CutToken(line);
    container.cgroup_path = text::CutToken(line);
    const auto pid = text::ParseU64(text::CutToken(line));
    if (pid.ok()) container.pid = static_cast<std::uint32_t>(pid.value());
    containers.push_back(std::move(container));
  }
  return containers;
}

}  // namespace cloudmon::test
