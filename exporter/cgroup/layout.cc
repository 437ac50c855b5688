// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/layout.h"

#include <algorithm>

#include "common/text.h"

namespace cloudmon::cgroup {
namespace {

constexpr std::array<std::string_view, kControllers> kControllerNames = {"cpu", "cpuacct", "memory", "blkio", "pids"};
// The first of these that has a v1 mount is walked.
constexpr std::array<Controller, kControllers> kWalkOrder = {Controller::kMemory, Controller::kCpuacct,
                                                             Controller::kCpu, Controller::kPids, Controller::kBlkio};

std::vector<Controller> ParseControllers(std::string_view comma_separated) {
  std::vector<Controller> controllers;
  while (!comma_separated.empty()) {
    const auto* name = std::ranges::find(kControllerNames, text::Cut(comma_separated, ','));
    if (name != kControllerNames.end()) controllers.push_back(static_cast<Controller>(name - kControllerNames.begin()));
  }
  return controllers;
}

std::optional<Mount> ParseMount(std::string_view line) {
  const auto separator = line.find(" - ");
  if (separator == std::string_view::npos) return std::nullopt;
  std::string_view before = line.substr(0, separator);
  std::string_view after = line.substr(separator + 3);
  for (int skipped = 0; skipped < 4; ++skipped) text::CutToken(before);  // IDs, device, root
  Mount mount;
  mount.path = text::UnescapeOctal(text::CutToken(before));
  const std::string_view type = text::CutToken(after);
  text::CutToken(after);  // source
  mount.unified = type == "cgroup2";
  if (type == "cgroup") mount.controllers = ParseControllers(text::CutToken(after));
  if (mount.path.empty() || (!mount.unified && mount.controllers.empty())) return std::nullopt;
  return mount;
}

}  // namespace

std::string_view VersionName(Version version) {
  switch (version) {
    case Version::kV1:
      return "v1";
    case Version::kV2:
      return "v2";
    case Version::kHybrid:
      return "hybrid";
  }
  return "";
}

std::vector<Mount> ParseMounts(std::string_view mountinfo, std::string_view node_mount, std::string_view seen_at) {
  std::vector<Mount> mounts;
  while (!mountinfo.empty()) {
    std::optional<Mount> mount = ParseMount(text::CutLine(mountinfo));
    if (!mount || !mount->path.starts_with(node_mount)) continue;
    const std::string below = mount->path.substr(node_mount.size());
    if (!below.empty() && below.front() != '/') continue;
    mount->path = std::string(seen_at) + below;
    mounts.push_back(std::move(*mount));
  }
  return mounts;
}

std::vector<Mount> MountsFromNames(std::span<const std::string> names, std::string_view seen_at) {
  if (std::ranges::find(names, "cgroup.controllers") != names.end()) {
    return {Mount{.path = std::string(seen_at), .unified = true, .controllers = {}}};
  }
  std::vector<Mount> mounts;
  for (const std::string& name : names) {
    Mount mount{.path = std::string(seen_at) + "/" + name, .unified = name == "unified", .controllers = {}};
    mount.controllers = ParseControllers(name);
    if (mount.unified || !mount.controllers.empty()) mounts.push_back(std::move(mount));
  }
  return mounts;
}

std::optional<Layout> BuildLayout(std::vector<Mount> mounts) {
  std::ranges::stable_sort(mounts, {}, [](const Mount& mount) { return mount.path.size(); });
  Layout layout;
  auto take = [&layout](std::optional<std::size_t>& slot, const std::string& path) {
    if (slot) return;
    const auto known = std::ranges::find(layout.mounts, path);
    slot = static_cast<std::size_t>(known - layout.mounts.begin());
    if (known == layout.mounts.end()) layout.mounts.push_back(path);
  };
  for (const Mount& mount : mounts) {
    if (mount.unified) take(layout.unified, mount.path);
    for (const Controller controller : mount.controllers) {
      take(layout.v1[static_cast<std::size_t>(controller)], mount.path);
    }
  }
  if (layout.mounts.empty()) return std::nullopt;
  const auto* walked = std::ranges::find_if(kWalkOrder, [&](Controller c) { return layout.V1(c).has_value(); });
  if (walked == kWalkOrder.end()) {
    layout.walk = *layout.unified;
    return layout;
  }
  layout.walk = *layout.V1(*walked);
  layout.version = layout.unified ? Version::kHybrid : Version::kV1;
  return layout;
}

}  // namespace cloudmon::cgroup
