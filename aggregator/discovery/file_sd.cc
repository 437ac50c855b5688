// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/file_sd.h"

#include <glob.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cerrno>
#include <compare>
#include <cstdint>
#include <map>
#include <utility>

#include "common/file.h"

namespace cloudmon::discovery {
namespace {

constexpr std::size_t kMaxFileBytes = 16U << 20U;

// What stat says of a file: another content shows in at least one of these. ctime cannot be set back, as mtime can.
struct Stamp {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, mtime_seconds = 0, mtime_ns = 0, ctime_seconds = 0, ctime_ns = 0;
  int error = 0;  // errno of stat; EINVAL: not a regular file
  auto operator<=>(const Stamp&) const = default;
};

Stamp StampOf(const std::string& path) {
  struct stat st = {};
  if (::stat(path.c_str(), &st) != 0) return Stamp{.error = errno};
  if (!S_ISREG(st.st_mode)) return Stamp{.error = EINVAL};  // opening a pipe would block
  return Stamp{.device = st.st_dev,
               .inode = st.st_ino,
               .size = st.st_size,
               .mtime_seconds = st.st_mtim.tv_sec,
               .mtime_ns = st.st_mtim.tv_nsec,
               .ctime_seconds = st.st_ctim.tv_sec,
               .ctime_ns = st.st_ctim.tv_nsec};
}

bool HasWildcard(const std::string& pattern) {
  return pattern.find_first_of("*?[") != std::string::npos;
}

std::vector<std::string> Match(const std::string& pattern) {
  std::vector<std::string> paths;
  glob_t found = {};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return paths;
}

class FileSd final : public Discovery {
 public:
  explicit FileSd(std::string pattern) : pattern_(std::move(pattern)), is_glob_(HasWildcard(pattern_)) {}

  std::vector<Target> Targets() override {
    std::map<std::string, File> now;
    for (const std::string& path : is_glob_ ? Match(pattern_) : std::vector{pattern_}) {
      auto node = files_.extract(path);
      File& file = node.empty() ? now[path] : now.insert(std::move(node)).position->second;
      Refresh(path, file);
    }
    files_ = std::move(now);
    WarnIfNothingMatches();

    std::vector<Target> all;
    for (const auto& [path, file] : files_) all.insert(all.end(), file.targets.begin(), file.targets.end());
    return all;
  }

 private:
  struct File {
    bool checked = false;
    Stamp stamp;
    std::vector<Target> targets;  // of the last good content
  };

  static void Refresh(const std::string& path, File& file) {
    // Taken before reading: a change in between is seen the next time.
    const Stamp stamp = StampOf(path);
    if (file.checked && stamp == file.stamp) return;
    file.checked = true;
    file.stamp = stamp;
    auto targets = Read(path, stamp);
    if (targets.ok()) {
      file.targets = std::move(targets).value();
      spdlog::info("{}: {} targets", path, file.targets.size());
    } else {
      spdlog::warn("{}; its last {} targets stay", targets.error().message, file.targets.size());
    }
  }

  static Result<std::vector<Target>> Read(const std::string& path, const Stamp& stamp) {
    if (stamp.error == EINVAL) return Error{ErrorCode::kInvalid, path + ": not a regular file"};
    auto content = ReadFile(path, kMaxFileBytes);
    if (!content.ok()) return content.error();
    return ParseFileSd(content.value(), path);
  }

  void WarnIfNothingMatches() {
    const bool nothing = files_.empty();
    if (nothing && !warned_nothing_) spdlog::warn("--scrape.file-sd: no file matches {}", pattern_);
    warned_nothing_ = nothing;
  }

  const std::string pattern_;
  const bool is_glob_;
  bool warned_nothing_ = false;
  std::map<std::string, File> files_;  // by path
};

}  // namespace

std::unique_ptr<Discovery> MakeFileSd(std::string pattern) {
  return std::make_unique<FileSd>(std::move(pattern));
}

}  // namespace cloudmon::discovery
