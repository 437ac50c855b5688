// SPDX-License-Identifier: Apache-2.0
// Which cgroup controllers are mounted where. Pure, safe to call from any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::cgroup {

enum class Version : std::uint8_t {
  kV1,
  kV2,
  kHybrid,  // controllers on v1 mounts, beside a v2 mount ("unified") that has pressure files and cpu.stat
};

// "v1", "v2", "hybrid". Static storage.
[[nodiscard]] std::string_view VersionName(Version version);

// The v1 controllers whose files are read.
enum class Controller : std::uint8_t { kCpu, kCpuacct, kMemory, kBlkio, kPids };
inline constexpr std::size_t kControllers = 5;
inline constexpr std::size_t kMaxMounts = kControllers + 1;

struct Mount {
  std::string path;                     // as seen from here
  bool unified = false;                 // cgroup v2
  std::vector<Controller> controllers;  // v1: at least one

  friend bool operator==(const Mount&, const Mount&) = default;
};

// Finds the cgroup mounts in the text of a mountinfo file of the node:
//   36 31 0:33 / /sys/fs/cgroup/memory rw,relatime shared:17 - cgroup cgroup rw,memory
// Only those at `node_mount` (the node's mount point of all cgroups) or below it; in their paths it is replaced by
// `seen_at`. Lines that are not understood are skipped, and so are v1 mounts without a controller of ours.
// Kernel document: Documentation/filesystems/proc.rst, 3.5
[[nodiscard]] std::vector<Mount> ParseMounts(std::string_view mountinfo, std::string_view node_mount,
                                             std::string_view seen_at);

// The same from the names found in the directory `seen_at`, for trees without a usable mountinfo: cgroup.controllers
// means that it is a v2 mount itself; memory, cpu,cpuacct, unified and so on are mounts.
[[nodiscard]] std::vector<Mount> MountsFromNames(std::span<const std::string> names, std::string_view seen_at);

// Each mount that is read, once, and who reads it.
struct Layout {
  Version version = Version::kV2;
  std::vector<std::string> mounts;                          // at most kMaxMounts, as seen from here
  std::size_t walk = 0;                                     // index of the mount in which pods are looked for
  std::optional<std::size_t> unified;                       // index of the v2 mount
  std::array<std::optional<std::size_t>, kControllers> v1;  // by Controller: index of its v1 mount

  [[nodiscard]] std::optional<std::size_t> V1(Controller controller) const {
    return v1[static_cast<std::size_t>(controller)];
  }
};

// Where a controller or the v2 tree is mounted several times, the shortest path counts (others are parts of it).
// nullopt: no mount is of use.
[[nodiscard]] std::optional<Layout> BuildLayout(std::vector<Mount> mounts);

}  // namespace cloudmon::cgroup
