// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/usage_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/psi.h"
#include "exporter/cgroup/directory.h"
#include "exporter/cgroup/parse_v1.h"
#include "exporter/cgroup/parse_v2.h"

namespace cloudmon::cgroup {
namespace {

constexpr int kMaxDepthBelow = 8;
constexpr int kMaxCgroupsBelow = 1000;

// Which of these counts depends on the disk's scheduler and the kernel. Of each kind, the first that counts is taken.
struct BlkioSource {
  v1::BlkioKind kind;
  const char* recursive;
  const char* own;  // where there is no recursive file
};
constexpr std::array<BlkioSource, kBlkioFiles> kBlkioSources = {{
    {v1::BlkioKind::kBytes, "blkio.bfq.io_service_bytes_recursive", "blkio.bfq.io_service_bytes"},
    {v1::BlkioKind::kBytes, "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"},
    {v1::BlkioKind::kOperations, "blkio.bfq.io_serviced_recursive", "blkio.bfq.io_serviced"},
    {v1::BlkioKind::kOperations, "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced"},
}};

Errors ParsePressureInto(std::string_view text, Value& waiting_usec, Value& stalled_usec) {
  auto pressure = psi::ParsePressure(text);
  if (!pressure.ok()) return {std::move(pressure.error())};
  waiting_usec = pressure.value().some_total_usec;
  stalled_usec = pressure.value().full_total_usec;
  return {};
}

// The number of processes and, in `pids`, those that can be named from here, each once.
std::uint64_t CountProcesses(std::vector<std::uint32_t>& pids) {
  std::ranges::sort(pids);  // v1 does not promise order, nor that there are no doubles
  const auto foreign = static_cast<std::uint64_t>(std::ranges::upper_bound(pids, 0U) - pids.begin());
  const auto doubles = std::ranges::unique(pids);
  pids.erase(doubles.begin(), doubles.end());
  std::erase(pids, 0U);
  return foreign + pids.size();
}

}  // namespace

void UsageReader::AddError(Error error, std::size_t mount, std::string_view below, const char* name) {
  ++errors_;
  const std::string path = layout_.mounts[mount] + cgroup_->path + std::string(below) + "/" + name;
  scan_.AddError(Wrap(std::move(error), path));
}

// Gives the file's text to `parser`. False: there is none.
template <class Parser>
bool UsageReader::Parse(Mounted mount, const char* name, Parser parser) {
  return ParseFile(mount, name, &cgroup_->files, parser);
}

// The same for a file that is not read on each pass.
template <class Parser>
void UsageReader::ParseSetting(Mounted mount, const char* name, Parser parser) {
  ParseFile(mount, name, nullptr, parser);
}

template <class Parser>
bool UsageReader::ParseFile(Mounted mount, const char* name, KeptFiles* kept, Parser parser) {
  if (!mount || !mounts_[*mount].valid() || gone_) return false;
  const bool is_open = *mount == layout_.walk && cgroup_->dir.valid();
  const int dir_fd = is_open ? cgroup_->dir.get() : mounts_[*mount].get();
  auto text = files_.Read({dir_fd, is_open ? std::string_view() : cgroup_->path, *mount, name}, kept);
  if (text.ok()) {
    for (Error& error : parser(text.value())) AddError(std::move(error), *mount, {}, name);
  } else if (text.error().code == ErrorCode::kGone) {
    gone_ = true;
  } else if (text.error().code != ErrorCode::kNotFound) {
    AddError(std::move(text.error()), *mount, {}, name);
  }
  return text.ok();
}

bool UsageReader::ReadPod(KnownCgroup& cgroup, Pod& pod) {
  cgroup_ = &cgroup;
  gone_ = false;
  ReadUsage(pod.usage, Detail::kPod);
  return !gone_ && !HasGone();
}

bool UsageReader::ReadContainer(KnownCgroup& cgroup, Container& container) {
  cgroup_ = &cgroup;
  gone_ = false;
  ReadUsage(container.usage, Detail::kContainer);
  auto parse = [&](auto text) { return ParsePids(text, container.pids); };
  if (Parse(layout_.walk, "cgroup.procs", parse)) {
    below_left_ = kMaxCgroupsBelow;
    if (cgroup.MayHaveMoreThan(0)) ReadPidsBelow({}, 0, container.pids);
    container.usage.processes = CountProcesses(container.pids);
    return true;  // it is alive after all else was read
  }
  return !gone_ && !HasGone();
}

// The directory of a removed cgroup can still be open, but holds nothing: what was found absent in it says nothing.
bool UsageReader::HasGone() const {
  return ::faccessat(cgroup_->dir.get(), "cgroup.procs", F_OK, 0) != 0 && errno == ENOENT;
}

// Containers may have cgroups of their own, such as those of a systemd in a container. They come and go as they like.
void UsageReader::ReadPidsBelow(const std::string& below, int depth, std::vector<std::uint32_t>& pids) {
  const std::string path = "." + cgroup_->path + below;
  const auto dir = files_.Open(mounts_[layout_.walk].get(), path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!dir.ok() || !MayHaveDirectories(dir.value().get())) return;
  const auto names = ListDirectories(dir.value().get());
  if (!names.ok()) return AddError(names.error(), layout_.walk, below, ".");
  for (const std::string& name : names.value()) {
    if (below_left_-- <= 0) return;
    const std::string child = below + "/" + name;
    const auto text = files_.ReadOnce(dir.value().get(), (name + "/cgroup.procs").c_str());
    if (text.ok()) {
      for (Error& error : ParsePids(text.value(), pids))
        AddError(std::move(error), layout_.walk, child, "cgroup.procs");
    } else if (text.error().code != ErrorCode::kNotFound && text.error().code != ErrorCode::kGone) {
      AddError(text.error(), layout_.walk, child, "cgroup.procs");
    }
    if (depth + 1 < kMaxDepthBelow) ReadPidsBelow(child, depth + 1, pids);
  }
}

// A controller without a v1 mount may be on the unified one. Whether this cgroup is in the v1 mount does not matter:
// one that is being removed would else switch to other counters.
void UsageReader::ReadUsage(Usage& usage, Detail detail) {
  if (detail == Detail::kContainer) ReadSettings(usage);
  ReadCpu(usage.cpu, detail);
  if (const Mounted mount = layout_.V1(Controller::kMemory)) {
    ReadMemoryV1(*mount, usage.memory, detail);
  } else if (const Mounted unified = layout_.unified) {
    ReadMemoryV2(*unified, usage.memory, detail);
  }
  if (const Mounted mount = layout_.V1(Controller::kBlkio)) {
    ReadBlkio(*mount, usage.io, detail);
  } else {
    Parse(layout_.unified, "io.stat", [&](auto text) { return v2::ParseIoStat(text, usage.io); });
  }
  if (detail == Detail::kPod) return;
  ReadThreads(usage);
  if (const Mounted unified = layout_.unified) ReadPressure(*unified, usage.pressure);
}

void UsageReader::ReadSettings(Usage& usage) {
  if (now_ms_ < cgroup_->settings_due_ms) return cgroup_->settings.CopyTo(usage);
  const std::uint64_t errors_before = errors_;
  ReadCpuSettings(usage.cpu);
  if (const Mounted mount = layout_.V1(Controller::kMemory)) {
    ParseSetting(mount, "memory.limit_in_bytes", [&](auto text) { return v1::ParseMemoryLimit(text, usage.memory); });
  } else {
    ParseSetting(layout_.unified, "memory.max", [&](auto text) { return ParseLimit(text, usage.memory.limit_bytes); });
  }
  const Mounted pids = layout_.V1(Controller::kPids);
  ParseSetting(pids ? pids : layout_.unified, "pids.max",
               [&](auto text) { return ParseLimit(text, usage.threads_max); });
  if (errors_ == errors_before && !gone_) cgroup_->KeepSettings(usage, now_ms_);
}

void UsageReader::ReadCpuSettings(CpuUsage& cpu) {
  if (const Mounted mount = layout_.V1(Controller::kCpu)) {
    ParseSetting(mount, "cpu.shares", [&](auto text) { return ParseNumber(text, cpu.shares); });
    ParseSetting(mount, "cpu.cfs_period_us", [&](auto text) { return ParseNumber(text, cpu.period_usec); });
    ParseSetting(mount, "cpu.cfs_quota_us", [&](auto text) { return v1::ParseCfsQuota(text, cpu); });
  } else {
    ParseSetting(layout_.unified, "cpu.max", [&](auto text) { return v2::ParseCpuMax(text, cpu); });
    ParseSetting(layout_.unified, "cpu.weight", [&](auto text) { return v2::ParseCpuWeight(text, cpu); });
  }
}

void UsageReader::ReadCpu(CpuUsage& cpu, Detail detail) {
  if (const Mounted mount = layout_.V1(Controller::kCpuacct)) {
    ReadCpuTimesV1(*mount, cpu, detail);
  } else {
    Parse(layout_.unified, "cpu.stat", [&](auto text) { return v2::ParseCpuStat(text, cpu); });
  }
  const Mounted limits = layout_.V1(Controller::kCpu);
  if (limits && cpu.quota_usec) Parse(limits, "cpu.stat", [&](auto text) { return v1::ParseCpuStat(text, cpu); });
  if (!cpu.quota_usec) cpu.periods = cpu.throttled_periods = cpu.throttled_ns = std::nullopt;
}

void UsageReader::ReadCpuTimesV1(std::size_t mount, CpuUsage& cpu, Detail detail) {
  Parse(mount, "cpuacct.usage", [&](auto text) { return ParseNumber(text, cpu.usage_ns); });
  if (detail == Detail::kPod) return;
  // cpuacct.usage_user and _sys have nanoseconds, but are what the timer's ticks happened to meet: a program that
  // sleeps between short bursts can be off by its whole use. cpuacct.stat shares out the exact use.
  Parse(mount, "cpuacct.stat", [&](auto text) { return v1::ParseCpuacctStat(text, ticks_per_second_, cpu); });
}

void UsageReader::ReadMemoryV1(std::size_t mount, MemoryUsage& memory, Detail detail) {
  Value inactive_file_bytes;
  Parse(mount, "memory.usage_in_bytes", [&](auto text) { return ParseNumber(text, memory.usage_bytes); });
  Parse(mount, "memory.stat", [&](auto text) { return v1::ParseMemoryStat(text, memory, inactive_file_bytes); });
  memory.working_set_bytes = WorkingSet(memory.usage_bytes, inactive_file_bytes);
  if (detail == Detail::kPod) return;
  Parse(mount, "memory.max_usage_in_bytes", [&](auto text) { return ParseNumber(text, memory.max_usage_bytes); });
  Parse(mount, "memory.oom_control", [&](auto text) { return v1::ParseOomControl(text, memory); });
}

void UsageReader::ReadMemoryV2(std::size_t mount, MemoryUsage& memory, Detail detail) {
  Value inactive_file_bytes;
  Parse(mount, "memory.current", [&](auto text) { return ParseNumber(text, memory.usage_bytes); });
  Parse(mount, "memory.stat", [&](auto text) { return v2::ParseMemoryStat(text, memory, inactive_file_bytes); });
  memory.working_set_bytes = WorkingSet(memory.usage_bytes, inactive_file_bytes);
  Parse(mount, "memory.events", [&](auto text) { return v2::ParseMemoryEvents(text, memory); });
  if (detail == Detail::kPod) return;
  Parse(mount, "memory.swap.current", [&](auto text) { return ParseNumber(text, memory.swap_bytes); });
  Parse(mount, "memory.peak", [&](auto text) { return ParseNumber(text, memory.max_usage_bytes); });
}

void UsageReader::LookAtTop(KnownCgroup& top) {
  cgroup_ = &top;
  gone_ = false;
  const Mounted mount = layout_.V1(Controller::kBlkio);
  for (std::size_t i = 0; i < kBlkioSources.size(); ++i) {
    std::vector<DeviceIo> all;
    auto parse = [&](auto text) { return v1::ParseBlkio(text, kBlkioSources[i].kind, all); };
    blkio_counts_[i] = !ParseFile(mount, kBlkioSources[i].recursive, nullptr, parse) || !all.empty();
  }
}

// The first source of the kind that has a device.
std::vector<DeviceIo> UsageReader::ReadBlkioKind(std::size_t mount, v1::BlkioKind kind) {
  std::vector<DeviceIo> io;
  auto parse = [&](auto text) { return v1::ParseBlkio(text, kind, io); };
  for (std::size_t i = 0; i < kBlkioSources.size() && io.empty(); ++i) {
    const BlkioSource& source = kBlkioSources[i];
    if (source.kind != kind || !blkio_counts_[i]) continue;
    // What a recursive file does not have, its other one does not have either.
    if (!Parse(mount, source.recursive, parse)) Parse(mount, source.own, parse);
  }
  return io;
}

void UsageReader::ReadBlkio(std::size_t mount, std::vector<DeviceIo>& io, Detail detail) {
  io = ReadBlkioKind(mount, v1::BlkioKind::kBytes);
  if (detail == Detail::kPod) return;
  for (const DeviceIo& counted : ReadBlkioKind(mount, v1::BlkioKind::kOperations)) {
    auto same = [&](const DeviceIo& d) { return d.major == counted.major && d.minor == counted.minor; };
    const auto known = std::ranges::find_if(io, same);
    if (known == io.end()) {
      io.push_back(counted);
    } else {
      known->reads = counted.reads;
      known->writes = counted.writes;
    }
  }
}

void UsageReader::ReadThreads(Usage& usage) {
  const Mounted v1 = layout_.V1(Controller::kPids);
  const Mounted mount = v1 ? v1 : layout_.unified;
  Parse(mount, "pids.current", [&](auto text) { return ParseNumber(text, usage.threads); });
}

void UsageReader::ReadPressure(std::size_t mount, PressureTotals& pressure) {
  auto read = [&](const char* name, Value& waiting_usec, Value& stalled_usec) {
    Parse(mount, name, [&](auto text) { return ParsePressureInto(text, waiting_usec, stalled_usec); });
  };
  read("cpu.pressure", pressure.cpu_waiting_usec, pressure.cpu_stalled_usec);
  read("memory.pressure", pressure.memory_waiting_usec, pressure.memory_stalled_usec);
  read("io.pressure", pressure.io_waiting_usec, pressure.io_stalled_usec);
}

}  // namespace cloudmon::cgroup
