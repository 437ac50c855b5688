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

CgroupReader::CgroupReader(Roots roots, const Clock& clock, std::size_t max_kept, std::uint64_t ticks_per_second)
    : roots_(std::move(roots)), clock_(clock), ticks_per_second_(ticks_per_second), files_(max_kept) {}

CgroupScan CgroupReader::Read() {
  files_.Begin(top_.CountKept());
  CgroupScan scan = ReadOnce();
  if (!files_.out_of_descriptors()) return scan;
  files_.KeepLess();
  top_.CloseKept();
  searched_at_ms_.reset();  // the search may have found no directory that it could open
  return ReadOnce();
}

bool CgroupReader::HasProcess(std::string_view container_path, std::uint32_t pid) {
  KnownCgroup* cgroup = top_.Find(container_path);
  if (cgroup == nullptr || !cgroup->dir.valid()) return false;
  const auto text = files_.Read({cgroup->dir.get(), {}, layout_->walk, "cgroup.procs"}, &cgroup->files);
  std::vector<std::uint32_t> pids;
  return text.ok() && ParsePids(text.value(), pids).empty() && std::ranges::find(pids, pid) != pids.end();
}

CgroupScan CgroupReader::ReadOnce() {
  CgroupScan scan;
  if (!FindLayout(scan)) return scan;
  scan.version = VersionName(layout_->version);
  const MountDirs mounts = OpenMounts(scan);
  const int walk_fd = mounts[layout_->walk].get();
  if (walk_fd < 0) {
    layout_.reset();  // the mounts have changed: look for them again next time
    top_ = {};
    return scan;
  }
  if (!boot_time_seconds_) boot_time_seconds_ = ReadBootTime(roots_.procfs);
  FindRoots(walk_fd);
  UsageReader reader(*layout_, mounts, ticks_per_second_, clock_.SteadyMs(), files_, scan);
  reader.LookAtTop(top_);
  Pass pass{.now_ms = clock_.SteadyMs(), .mounts = mounts, .reader = reader, .scan = scan};
  std::erase_if(top_.children, [this](const auto& known) {
    return std::ranges::find(kubepods_, known.second->path, &KubepodsRoot::path) == kubepods_.end();
  });
  for (const KubepodsRoot& root : kubepods_) {
    const auto [known, is_new] = top_.children.try_emplace(root.path.substr(1));
    if (is_new) known->second = std::make_unique<KnownCgroup>(root.path);
    if (!ReadBelow(*known->second, root.place, pass)) top_.children.erase(known);
  }
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

MountDirs CgroupReader::OpenMounts(CgroupScan& scan) {
  MountDirs mounts;
  for (std::size_t i = 0; i < layout_->mounts.size(); ++i) {
    auto dir = files_.Open(AT_FDCWD, layout_->mounts[i].c_str(), O_PATH | O_DIRECTORY);
    if (dir.ok()) {
      mounts[i] = std::move(dir).value();
    } else {
      scan.AddError(Wrap(std::move(dir.error()), layout_->mounts[i]));
    }
  }
  return mounts;
}

// Opens the cgroup's directory if it is not open, and learns what has become of it. False: it is not there.
bool CgroupReader::LookAt(KnownCgroup& cgroup, Pass& pass) {
  UniqueFd dir = std::move(cgroup.dir);
  if (!dir.valid()) {
    auto opened = Open(cgroup, O_PATH, pass);
    if (!opened.ok()) return false;
    dir = std::move(opened).value();
  }
  struct stat found {};
  // A removed cgroup keeps its links; that it has gone shows when its files are read.
  if (::fstat(dir.get(), &found) != 0 || found.st_nlink == 0) return false;
  double seconds = static_cast<double>(found.st_mtim.tv_sec) + static_cast<double>(found.st_mtim.tv_nsec) / 1e9;
  seconds = std::max(seconds, boot_time_seconds_.value_or(0));
  if (cgroup.inode != found.st_ino) {
    cgroup = KnownCgroup(std::move(cgroup.path));
    cgroup.inode = found.st_ino;
    cgroup.first_seen_ms = pass.now_ms;
    cgroup.start_time_seconds = seconds;
  }
  cgroup.dir = std::move(dir);
  cgroup.links = found.st_nlink;
  cgroup.start_time_seconds = std::min(cgroup.start_time_seconds, seconds);
  return true;
}

// The cgroup's directory; what is no error of its having gone is one of the scan.
Result<UniqueFd> CgroupReader::Open(const KnownCgroup& cgroup, int flags, Pass& pass) {
  path_.assign(".").append(cgroup.path);
  auto dir = files_.Open(pass.mounts[layout_->walk].get(), path_.c_str(), flags | O_DIRECTORY);
  if (!dir.ok() && dir.error().code != ErrorCode::kNotFound && dir.error().code != ErrorCode::kGone) {
    pass.scan.AddError(Wrap(dir.error(), layout_->mounts[layout_->walk] + cgroup.path));
  }
  return dir;
}

std::vector<std::string> CgroupReader::List(const KnownCgroup& cgroup, Pass& pass) {
  const auto dir = Open(cgroup, O_RDONLY, pass);
  if (!dir.ok()) return {};
  auto names = ListDirectories(dir.value().get());
  if (names.ok()) return std::move(names).value();
  pass.scan.AddError(Wrap(std::move(names.error()), layout_->mounts[layout_->walk] + cgroup.path));
  return {};
}

// Reads the known children and then, when there may be more, the new ones. `read_child` gets each with its name and
// says whether it is there and of use, which makes it known.
template <class ReadChild>
void CgroupReader::ReadChildren(KnownCgroup& cgroup, Pass& pass, ReadChild read_child) {
  std::erase_if(cgroup.children, [&](auto& child) { return !read_child(child.first, *child.second); });
  if (!cgroup.MayHaveMoreThan(cgroup.children.size())) return;
  for (std::string& name : List(cgroup, pass)) {
    if (cgroup.children.contains(name)) continue;
    auto child = std::make_unique<KnownCgroup>(cgroup.path + "/" + name);
    if (read_child(name, *child)) cgroup.children.emplace(std::move(name), std::move(child));
  }
}

// In kubepods or kubepods/<qos>. No file of theirs is read that would tell that an open directory has been removed.
bool CgroupReader::ReadBelow(KnownCgroup& cgroup, const Place& place, Pass& pass) {
  if (!LookAt(cgroup, pass)) return false;
  cgroup.dir.Reset();
  ReadChildren(cgroup, pass, [&](const std::string& name, KnownCgroup& child) {
    const Place below = Descend(place, name);
    if (below.level == Level::kQos) return ReadBelow(child, below, pass);
    return below.level == Level::kPod && ReadPod(child, below, pass);
  });
  return true;
}

bool CgroupReader::ReadPod(KnownCgroup& cgroup, const Place& place, Pass& pass) {
  const bool was_open = cgroup.dir.valid();
  if (!LookAt(cgroup, pass)) return false;
  Pod pod;
  pod.uid = place.pod_uid;
  pod.qos = place.qos;
  pod.cgroup_path = SanitizeUtf8(cgroup.path);  // what is above kubepods may have any name
  ReadChildren(cgroup, pass, [&](const std::string& name, KnownCgroup& child) {
    const Place below = Descend(place, name);
    return below.level == Level::kContainer && ReadContainer(child, below, pass, pod);
  });
  if (!pass.reader.ReadPod(cgroup, pod)) return false;
  if (!was_open && !files_.MayKeep()) cgroup.dir.Reset();
  pass.scan.pods.push_back(std::move(pod));
  return true;
}

bool CgroupReader::ReadContainer(KnownCgroup& cgroup, const Place& place, Pass& pass, Pod& pod) {
  const bool was_open = cgroup.dir.valid();
  if (!LookAt(cgroup, pass)) return false;
  Container container;
  container.id = place.container_id;
  container.cgroup_path = cgroup.path;
  container.usage.start_time_seconds = cgroup.start_time_seconds;
  if (!pass.reader.ReadContainer(cgroup, container)) return false;
  if (!was_open && !files_.MayKeep()) cgroup.dir.Reset();
  pod.containers.push_back(std::move(container));
  return true;
}

}  // namespace cloudmon::cgroup
