// SPDX-License-Identifier: Apache-2.0
#include "common/process_stats.h"

#include <dirent.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "common/file.h"
#include "common/text.h"

namespace cloudmon {
namespace {

// The rest of the first line that starts with `key`, or nothing.
std::optional<std::string_view> LineAfter(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text::CutLine(text);
    if (line.starts_with(key)) return line.substr(key.size());
  }
  return std::nullopt;
}

// A whole number that follows `key` in a file; nullopt where either is not there or is no number.
std::optional<std::uint64_t> ReadNumberAfter(const std::string& path, std::string_view key) {
  const auto text = ReadFile(path);
  if (!text.ok()) return std::nullopt;
  auto rest = LineAfter(text.value(), key);
  if (!rest) return std::nullopt;
  const auto number = text::ParseU64(text::CutToken(*rest));
  return number.ok() ? std::optional(number.value()) : std::nullopt;
}

// Since Linux 6.2 proc gives the number as the directory's size. Listing thousands takes milliseconds.
std::optional<std::uint64_t> KnownOpenFds(const std::string& path) {
  struct statfs file_system {};
  struct stat directory {};
  if (::statfs(path.c_str(), &file_system) != 0 || file_system.f_type != PROC_SUPER_MAGIC) return std::nullopt;
  if (::stat(path.c_str(), &directory) != 0 || directory.st_size == 0) return std::nullopt;
  return static_cast<std::uint64_t>(directory.st_size);
}

std::optional<std::uint64_t> CountOpenFds(const std::string& path) {
  if (const auto known = KnownOpenFds(path)) return known;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  if (dir == nullptr) return std::nullopt;
  const std::string own = std::to_string(::dirfd(dir.get()));  // open only while counting
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.' && entry->d_name != own) ++count;
  }
  return count;
}

}  // namespace

Result<PidStat> ParsePidStat(std::string_view text) {
  const auto name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return Error{ErrorCode::kParse, "no name in parentheses"};
  text.remove_prefix(name_end + 1);
  // Fields are counted from 1 in the kernel's document; the state, field 3, comes first here.
  constexpr std::size_t kFirst = 3, kUserTime = 14, kSystemTime = 15, kStartTime = 22, kVirtualSize = 23,
                        kResident = 24;
  std::array<std::uint64_t, kResident + 1> fields{};
  for (std::size_t field = kFirst; field <= kResident; ++field) {
    const std::string_view token = text::CutToken(text);
    if (field != kUserTime && field != kSystemTime && field < kStartTime) continue;
    const auto number = text::ParseU64(token);
    if (!number.ok()) return Wrap(number.error(), "field " + std::to_string(field));
    fields[field] = number.value();
  }
  return PidStat{.cpu_ticks = fields[kUserTime] + fields[kSystemTime],
                 .start_ticks = fields[kStartTime],
                 .virtual_memory_bytes = fields[kVirtualSize],
                 .resident_pages = fields[kResident]};
}

ProcessStats ReadProcessStats(const std::string& procfs) {
  ProcessStats stats;
  const std::string self = procfs + "/self";
  stats.open_fds = CountOpenFds(self + "/fd");
  stats.max_fds = ReadNumberAfter(self + "/limits", "Max open files");

  const auto text = ReadFile(self + "/stat");
  if (!text.ok()) return stats;
  auto own = ParsePidStat(text::Trim(text.value()));
  if (!own.ok()) return stats;
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  stats.cpu_seconds = static_cast<double>(own.value().cpu_ticks) / ticks_per_second;
  stats.virtual_memory_bytes = own.value().virtual_memory_bytes;
  stats.resident_memory_bytes = own.value().resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  if (const auto boot_seconds = ReadNumberAfter(procfs + "/stat", "btime ")) {
    stats.start_time_seconds =
        static_cast<double>(*boot_seconds) + static_cast<double>(own.value().start_ticks) / ticks_per_second;
  }
  return stats;
}

}  // namespace cloudmon
