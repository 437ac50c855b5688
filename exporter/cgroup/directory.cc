// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

namespace cloudmon::cgroup {
namespace {

bool IsDirectory(int dir_fd, const dirent64& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat found {};
  return ::fstatat(dir_fd, static_cast<const char*>(entry.d_name), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(found.st_mode);
}

// getdents64 instead of readdir: no allocation of 32 KiB for each of the many small directories.
Result<std::vector<std::string>> List(int dir_fd, bool directories_only) {
  alignas(dirent64) std::array<char, 8192> buffer;
  std::vector<std::string> names;
  while (true) {
    const ssize_t filled = ::getdents64(dir_fd, buffer.data(), buffer.size());
    if (filled < 0 && errno != ENOENT) return ErrnoError(errno, "list");
    if (filled <= 0) return names;
    for (std::size_t at = 0; at < static_cast<std::size_t>(filled);) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name = static_cast<const char*>(entry->d_name);
      if (name == "." || name == "..") continue;
      if (!directories_only || IsDirectory(dir_fd, *entry)) names.emplace_back(name);
    }
  }
}

}  // namespace

Result<UniqueFd> OpenDirectory(int dir_fd, const char* name) {
  UniqueFd fd(::openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, name);
  return fd;
}

Result<std::vector<std::string>> ListNames(int dir_fd) {
  return List(dir_fd, false);
}

Result<std::vector<std::string>> ListDirectories(int dir_fd) {
  return List(dir_fd, true);
}

bool MayHaveDirectories(int dir_fd) {
  constexpr nlink_t kItselfAndDot = 2;  // each directory in it adds one; file systems that do not count say 1
  struct stat found {};
  return ::fstat(dir_fd, &found) != 0 || found.st_nlink != kItselfAndDot;
}

}  // namespace cloudmon::cgroup
