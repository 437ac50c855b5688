// SPDX-License-Identifier: Apache-2.0
// What the reader knows about a cgroup from earlier passes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/cgroup/control_files.h"
#include "exporter/cgroup/usage.h"

namespace cloudmon::cgroup {

// What is set for a container and seldom changed.
struct Settings {
  Value cpu_shares, cpu_period_usec, cpu_quota_usec;
  std::optional<Limit> memory_limit_bytes, threads_max;

  [[nodiscard]] static Settings Of(const Usage& usage);
  void CopyTo(Usage& usage) const;
};

// Settings are read again after at most kSettingsMs, and on each pass as long as the cgroup has not been known for
// kYoungMs: runtimes make the cgroup first.
inline constexpr std::int64_t kSettingsMs = 60'000;
inline constexpr std::int64_t kYoungMs = 10'000;

struct KnownCgroup {
  KnownCgroup() = default;
  explicit KnownCgroup(std::string path_from_root) : path(std::move(path_from_root)) {}

  std::string path;  // from the hierarchy's root; "" is the root itself
  UniqueFd dir;      // its directory in the mount that is walked, to open files from; open while the cgroup is read
  ino_t inode = 0;   // of the directory: one made anew under the same path is another cgroup
  nlink_t links = 0;
  std::int64_t first_seen_ms = 0;
  double start_time_seconds = 0;  // Unix time
  std::int64_t settings_due_ms = 0;
  Settings settings;
  KeptFiles files;
  std::map<std::string, std::unique_ptr<KnownCgroup>, std::less<>> children;  // pods and containers, by name

  // Whether its directory may hold others than that many. Cgroup file systems and most others count each directory in a
  // directory as a link to it; those that do not count say 1.
  [[nodiscard]] bool MayHaveMoreThan(std::size_t directories) const { return links != 2 + directories; }
  // The cgroup of that path, itself or below; nullptr: not known.
  [[nodiscard]] KnownCgroup* Find(std::string_view whole_path);
  // Of it and all below it.
  [[nodiscard]] std::size_t CountKept() const;
  void CloseKept();
  // To be called with settings just read.
  void KeepSettings(const Usage& usage, std::int64_t now_ms);
};

}  // namespace cloudmon::cgroup
