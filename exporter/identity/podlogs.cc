// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/podlogs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "common/file.h"
#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::identity {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using DirHandle = std::unique_ptr<DIR, CloseDir>;

DirHandle OpenDir(int parent_fd, const char* name) {
  const int fd = ::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  DIR* dir = ::fdopendir(fd);
  if (dir == nullptr) UniqueFd(fd).Reset();
  return DirHandle(dir);
}

// The next entry's name, or nullptr at the end; "." and ".." are passed over.
const char* NextName(DIR* dir) {
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

double Seconds(const statx_timestamp& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// When the container's current log was made: birth of the newest <n>.log, else (no log yet, or a file system that keeps
// no birth times) the directory's last change. A log that was rotated is younger than its container: nullopt.
std::optional<double> LogBirth(DIR* dir, std::size_t max_entries) {
  std::uint64_t newest = 0;
  std::string file;
  std::vector<std::uint64_t> rotated;
  std::size_t read = 0;
  for (const char* name = NextName(dir); name != nullptr && read < max_entries; ++read) {
    const std::string_view text = name;
    if (const auto number = ParseLogNumber(text)) {
      if (file.empty() || *number > newest) {
        newest = *number;
        file = text;
      }
    } else if (const auto log = text.find(".log."); log != std::string_view::npos) {  // "0.log.20240131-170000"
      if (const auto of = text::ParseU64(text.substr(0, log)); of.ok()) rotated.push_back(of.value());
    }
    name = NextName(dir);
  }
  for (const std::uint64_t number : rotated) {
    if (!file.empty() && number == newest) return std::nullopt;
  }
  struct statx info {};
  const int fd = ::dirfd(dir);
  if (!file.empty() && ::statx(fd, file.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BTIME, &info) == 0 &&
      (info.stx_mask & STATX_BTIME) != 0) {
    return Seconds(info.stx_btime);
  }
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MTIME, &info) != 0) return std::nullopt;
  return Seconds(info.stx_mtime);
}

// Reads the containers of one pod, counting its directories down from `left`. False when there are too many.
bool ReadContainers(DIR* pod_dir, PodIdentity& pod, std::size_t max_entries, std::size_t& left) {
  while (const char* name = NextName(pod_dir)) {
    if (left == 0) return false;
    --left;
    const DirHandle dir = OpenDir(::dirfd(pod_dir), name);
    if (dir == nullptr) continue;
    pod.containers.push_back(
        {.id = {}, .name = SanitizeUtf8(name), .image = {}, .log_birth_seconds = LogBirth(dir.get(), max_entries)});
  }
  return true;
}

}  // namespace

std::optional<PodIdentity> ParsePodLogsName(std::string_view name) {
  const std::string_view space = text::Cut(name, '_');
  const std::string_view pod = text::Cut(name, '_');
  if (space.empty() || pod.empty() || name.empty() || name.find('_') != std::string_view::npos) return std::nullopt;
  PodIdentity identity;
  identity.namespace_name = SanitizeUtf8(space);
  identity.name = SanitizeUtf8(pod);
  identity.uid = SanitizeUtf8(name);
  return identity;
}

std::optional<std::uint64_t> ParseLogNumber(std::string_view name) {
  if (!name.ends_with(".log")) return std::nullopt;
  const auto number = text::ParseU64(name.substr(0, name.size() - 4));
  return number.ok() ? std::optional(number.value()) : std::nullopt;
}

Result<std::vector<PodIdentity>> PodLogsSource::Fetch() {
  const DirHandle root = OpenDir(AT_FDCWD, path_.c_str());
  if (root == nullptr) return Wrap(ErrnoError(errno, path_), "podlogs (set --path.podlogs)");
  std::vector<PodIdentity> pods;
  std::size_t left = max_entries_;
  bool complete = true;
  while (const char* name = NextName(root.get())) {
    auto pod = ParsePodLogsName(name);
    if (!pod) continue;
    complete = left > 0;
    if (!complete) break;
    --left;
    const DirHandle dir = OpenDir(::dirfd(root.get()), name);
    if (dir == nullptr && errno != EACCES) continue;
    complete = dir == nullptr || ReadContainers(dir.get(), *pod, max_entries_, left);
    if (!complete) break;
    pods.push_back(*std::move(pod));
  }
  if (complete) return pods;
  return Error{ErrorCode::kLimit, "podlogs: " + path_ + ": more than " + std::to_string(max_entries_) +
                                      " directories; remove those of pods that are gone"};
}

}  // namespace cloudmon::identity
