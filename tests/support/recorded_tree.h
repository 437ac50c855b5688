// SPDX-License-Identifier: Apache-2.0
// The recorded nodes of tests/testdata (its README says what runs on them), unpacked at build time. Read-only: a test
// that changes a tree copies it into a TempDir first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/roots.h"

namespace cloudmon::test {

inline constexpr std::string_view kRecordedNodes[] = {"cgroupfs", "systemd", "systemd-6.12"};

// The directory of one recorded node, which holds rootfs/, containers.txt and cgroupns/.
std::string RecordedPath(std::string_view node);

// The node's file systems; `podlogs` is a directory that does not exist.
Roots RecordedRoots(std::string_view node);

// One line of containers.txt.
struct RecordedContainer {
  std::string name;         // "g-pause"
  std::string cgroup_path;  // "/kubepods/pod.../..."
  std::optional<std::uint32_t> pid;
};

std::vector<RecordedContainer> RecordedContainers(std::string_view node);

}  // namespace cloudmon::test
