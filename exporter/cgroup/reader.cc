// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/file.h"
#include "common/utf8.h"
#include "exporter/cgroup/directory.h"
#include "exporter/cgroup/parse_common.h"
#include "exporter/cgroup/read_layout.h"

namespace cloudmon::cgroup {
namespace {

// A little less than the usual 10 s between scrapes, so that a scrape that comes a moment early searches too.
constexpr std::int64_t kSearchEveryMs = 9'000;

bool IsThere(int dir_fd, const std::string& path) {
  return ::faccessat(dir_fd, path.c_str() + 1, F_OK, 0) == 0;
}

std::optional<double> ReadBootTime(const std::string& procfs) {
  const auto stat = ReadFile(procfs + "/stat");
  if (!stat.ok()) return std::nullopt;
  Value boot;
  const std::array fields = {Field{"btime", &boot}};
  if (!ParseKeyed(stat.value(), fields).empty() || !boot) return std::nullopt;
  return static_cast<double>(*boot);
}

}  // namespace

std::uint64_t CgroupReader::SystemTicksPerSecond() {
  return static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_CLK_TCK)));
}

CgroupReader::CgroupReader(Roots roots, const Clock& clock, std::uint64_t ticks_per_second)
    : roots_(std::move(roots)), clock_(clock), ticks_per_second_(ticks_per_second) {}

CgroupScan CgroupReader::Read() {
  CgroupScan scan;
  if (!FindLayout(scan)) return scan;
  scan.version = VersionName(layout_->version);
  const OpenCgroup top = OpenTop(scan);
  const int walk_fd = top.dirs[layout_->walk].get();
  if (walk_fd < 0) {
    layout_.reset();  // the mounts have changed: look for them again next time
    return scan;
  }
  ++pass_;
  if (!boot_time_seconds_) boot_time_seconds_ = ReadBootTime(roots_.procfs);
  FindRoots(walk_fd);
  UsageReader reader(*layout_, ticks_per_second_, scan);
  reader.LookAtTop(top);
  for (const KubepodsRoot& root : kubepods_) {
    ReadBelow(OpenBelow(top, root.path.substr(1), scan), root.place, reader, scan);
  }
  std::erase_if(starts_, [this](const auto& entry) { return entry.second.pass != pass_; });
  return scan;
}

bool CgroupReader::FindLayout(CgroupScan& scan) {
  if (layout_) return true;
  auto layout = ReadLayout(roots_);
  if (!layout.ok()) {
    scan.AddError(std::move(layout.error()));
    return false;
  }
  layout_ = std::move(layout).value();
  return true;
}

void CgroupReader::FindRoots(int walk_fd) {
  const std::int64_t now_ms = clock_.SteadyMs();
  const bool due = !searched_at_ms_ || now_ms - *searched_at_ms_ >= kSearchEveryMs;
  auto there = [&](const KubepodsRoot& root) { return IsThere(walk_fd, root.path); };
  if (!due && std::ranges::all_of(kubepods_, there)) return;
  kubepods_ = FindKubepods(walk_fd);
  searched_at_ms_ = now_ms;
}

OpenCgroup CgroupReader::OpenTop(CgroupScan& scan) const {
  OpenCgroup top;
  for (std::size_t i = 0; i < layout_->mounts.size(); ++i) {
    auto dir = OpenDirectory(AT_FDCWD, layout_->mounts[i].c_str(), OpenFor::kLookup);
    if (dir.ok()) {
      top.dirs[i] = std::move(dir).value();
    } else {
      scan.AddError(std::move(dir.error()));
    }
  }
  return top;
}

OpenCgroup CgroupReader::OpenBelow(const OpenCgroup& parent, const std::string& name, CgroupScan& scan) const {
  OpenCgroup cgroup;
  cgroup.path = parent.path + "/" + name;
  for (std::size_t i = 0; i < layout_->mounts.size(); ++i) {
    if (!parent.dirs[i].valid()) continue;
    const OpenFor purpose = i == layout_->walk ? OpenFor::kListing : OpenFor::kLookup;
    auto dir = OpenDirectory(parent.dirs[i].get(), name.c_str(), purpose);
    if (dir.ok()) {
      cgroup.dirs[i] = std::move(dir).value();
    } else if (dir.error().code != ErrorCode::kNotFound && dir.error().code != ErrorCode::kGone) {
      scan.AddError(Wrap(std::move(dir.error()), layout_->mounts[i] + parent.path));
    }
  }
  return cgroup;
}

std::vector<std::string> CgroupReader::Children(const OpenCgroup& cgroup, CgroupScan& scan) const {
  const int walk_fd = cgroup.dirs[layout_->walk].get();
  if (walk_fd < 0) return {};
  auto names = ListDirectories(walk_fd);
  if (names.ok()) return std::move(names).value();
  scan.AddError(Wrap(std::move(names.error()), layout_->mounts[layout_->walk] + cgroup.path));
  return {};
}

// In kubepods or kubepods/<qos>.
void CgroupReader::ReadBelow(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan) {
  for (const std::string& name : Children(cgroup, scan)) {
    const Place below = Descend(place, name);
    if (below.level != Level::kQos && below.level != Level::kPod) continue;
    const OpenCgroup child = OpenBelow(cgroup, name, scan);
    if (!child.dirs[layout_->walk].valid()) continue;
    below.level == Level::kQos ? ReadBelow(child, below, reader, scan) : ReadPod(child, below, reader, scan);
  }
}

void CgroupReader::ReadPod(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan) {
  Pod pod;
  pod.uid = place.pod_uid;
  pod.qos = place.qos;
  pod.cgroup_path = SanitizeUtf8(cgroup.path);  // what is above kubepods may have any name
  ReadContainers(cgroup, place, reader, scan, pod);
  if (reader.ReadPod(cgroup, pod)) scan.pods.push_back(std::move(pod));
}

void CgroupReader::ReadContainers(const OpenCgroup& cgroup, const Place& place, UsageReader& reader, CgroupScan& scan,
                                  Pod& pod) {
  for (const std::string& name : Children(cgroup, scan)) {
    Place below = Descend(place, name);
    if (below.level != Level::kContainer) continue;
    const OpenCgroup child = OpenBelow(cgroup, name, scan);
    if (!child.dirs[layout_->walk].valid()) continue;
    Container container;
    container.id = std::move(below.container_id);
    container.cgroup_path = child.path;
    container.usage.start_time_seconds = StartTime(child);
    if (reader.ReadContainer(child, container)) pod.containers.push_back(std::move(container));
  }
}

std::optional<double> CgroupReader::StartTime(const OpenCgroup& cgroup) {
  struct stat found {};
  if (::fstat(cgroup.dirs[layout_->walk].get(), &found) != 0) return std::nullopt;
  double seconds = static_cast<double>(found.st_mtim.tv_sec) + static_cast<double>(found.st_mtim.tv_nsec) / 1e9;
  seconds = std::max(seconds, boot_time_seconds_.value_or(0));
  auto [known, is_new] = starts_.try_emplace(cgroup.path, Start{found.st_ino, seconds, pass_});
  Start& start = known->second;
  if (start.inode != found.st_ino) start = {found.st_ino, seconds, pass_};
  start.unix_seconds = std::min(start.unix_seconds, seconds);
  start.pass = pass_;
  return start.unix_seconds;
}

}  // namespace cloudmon::cgroup
