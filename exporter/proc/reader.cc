// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "common/file.h"
#include "common/text.h"
#include "common/utf8.h"
#include "exporter/proc/mounts.h"
#include "exporter/proc/parse.h"

namespace cloudmon::proc {
namespace {

// Moves the value to `out`, or the error to the list; what is not there is no error.
template <class T, class U>
void Take(Result<T> result, U& out, std::vector<Error>& errors) {
  if (result.ok()) {
    out = std::move(result).value();
  } else if (result.error().code != ErrorCode::kNotFound) {
    errors.push_back(std::move(result.error()));
  }
}

Result<FileSystem> ReadFileSystem(const std::string& rootfs, const Mount& mount) {
  const std::string path = rootfs + mount.mount_point;
  struct statvfs info {};
  int result = 0;
  do {
    result = ::statvfs(path.c_str(), &info);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ErrnoError(errno, SanitizeUtf8(path));
  FileSystem out;
  out.device = SanitizeUtf8(mount.device);
  out.mount_point = SanitizeUtf8(mount.mount_point);
  out.type = SanitizeUtf8(mount.type);
  out.size_bytes = std::uint64_t{info.f_blocks} * info.f_frsize;
  out.free_bytes = std::uint64_t{info.f_bfree} * info.f_frsize;
  out.available_bytes = std::uint64_t{info.f_bavail} * info.f_frsize;
  out.files = info.f_files;
  out.files_free = info.f_ffree;
  return out;
}

// What the symbolic link says: "net:[4026531840]".
Result<std::string> ReadLink(const std::string& path) {
  std::array<char, 64> target{};
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return ErrnoError(errno, path);
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::pair<dev_t, ino_t>> ReadInode(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(errno, path);
  return std::pair(info.st_dev, info.st_ino);
}

template <class T>
Result<bool> Same(const Result<T>& a, const Result<T>& b) {
  if (!a.ok()) return a.error();
  if (!b.ok()) return b.error();
  return a.value() == b.value();
}

std::string PidPath(const std::string& procfs, std::uint32_t pid, const char* name) {
  return procfs + "/" + std::to_string(pid) + "/" + name;
}

std::optional<Uname> ReadUname(const std::string& procfs) {
  const auto read = [&](const char* name) {
    const auto text = ReadFile(procfs + "/sys/kernel/" + name);
    return text.ok() ? SanitizeUtf8(text::Trim(text.value())) : "";
  };
  Uname out{read("ostype"), read("osrelease"), read("version"), read("arch"), read("domainname")};
  if (out.sysname.empty()) return std::nullopt;
  return out;
}

}  // namespace

double SystemTicksPerSecond() {
  return static_cast<double>(::sysconf(_SC_CLK_TCK));
}

NodeReader::NodeReader(const Roots& roots, double ticks_per_second)
    : procfs_(roots.procfs),
      rootfs_(roots.rootfs),
      uname_(ReadUname(roots.procfs)),
      ticks_per_second_(ticks_per_second) {}

template <class Parser>
auto NodeReader::ReadAndParse(const char* name, Parser parse) -> decltype(parse(std::string_view{})) {
  const std::string path = procfs_ + "/" + name;
  const Status read = ReadFileAt(AT_FDCWD, path.c_str(), buffer_);
  if (!read.ok()) return read.error();
  auto parsed = parse(std::string_view(buffer_));
  if (!parsed.ok()) return Wrap(parsed.error(), path);
  return parsed;
}

NodeStats NodeReader::Read() {
  NodeStats stats;
  stats.uname = uname_;
  CpuStat cpu;
  const auto parse_stat = [this](std::string_view text) { return ParseStat(text, ticks_per_second_); };
  Take(ReadAndParse("stat", parse_stat), cpu, stats.errors);
  stats.cpus = std::move(cpu.cpus);
  stats.kernel = cpu.kernel;
  Take(ReadAndParse("meminfo", ParseMeminfo), stats.memory, stats.errors);
  Take(ReadAndParse("loadavg", ParseLoadavg), stats.load, stats.errors);
  Take(ReadDisks(), stats.disks, stats.errors);
  Take(ReadAndParse("1/net/dev", ParseNetDev), stats.interfaces, stats.errors);
  Take(ReadAndParse("pressure/cpu", psi::ParsePressure), stats.cpu_pressure, stats.errors);
  Take(ReadAndParse("pressure/memory", psi::ParsePressure), stats.memory_pressure, stats.errors);
  Take(ReadAndParse("pressure/io", psi::ParsePressure), stats.io_pressure, stats.errors);
  return stats;
}

Result<std::vector<Disk>> NodeReader::ReadDisks() {
  return ReadAndParse("diskstats", ParseDiskstats);
}

void NodeReader::ReadFileSystems(NodeStats& stats) {
  std::vector<Mount> mounts;
  Take(ReadAndParse("1/mounts", ParseMounts), mounts, stats.errors);
  for (const Mount& mount : NodeFileSystems(mounts)) {
    FileSystem file_system;
    Take(ReadFileSystem(rootfs_, mount), file_system, stats.errors);
    if (file_system.size_bytes > 0) stats.file_systems.push_back(std::move(file_system));
  }
}

Result<std::vector<NetDevice>> ProcessReader::ReadNetDev(std::uint32_t pid) {
  const std::string path = PidPath(procfs_, pid, "net/dev");
  const Status read = ReadFileAt(AT_FDCWD, path.c_str(), buffer_);
  if (!read.ok()) return read.error();
  auto devices = ParseNetDev(buffer_);
  if (!devices.ok()) return Wrap(devices.error(), path);
  return devices;
}

Result<bool> ProcessReader::IsInCgroup(std::uint32_t pid, std::string_view name) {
  const Status read = ReadFileAt(AT_FDCWD, PidPath(procfs_, pid, "cgroup").c_str(), buffer_);
  if (!read.ok()) return read.error();
  if (HasCgroup(buffer_, name)) return true;
  const auto own = ReadFile(procfs_ + "/self/cgroup");
  return own.ok() && own.value() == buffer_;
}

Result<bool> ProcessReader::SameNetNamespace(std::uint32_t pid_a, std::uint32_t pid_b) const {
  const auto same_link = Same(ReadLink(PidPath(procfs_, pid_a, "ns/net")), ReadLink(PidPath(procfs_, pid_b, "ns/net")));
  if (same_link.ok() || same_link.error().code != ErrorCode::kDenied) return same_link;
  return Same(ReadInode(PidPath(procfs_, pid_a, "net/dev")), ReadInode(PidPath(procfs_, pid_b, "net/dev")));
}

}  // namespace cloudmon::proc
