// SPDX-License-Identifier: Apache-2.0
#include "bench/cgroup_bench_floor.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "bench/cgroup_bench_tree.h"

namespace cloudmon::bench {
namespace {

using cgroup::Controller;

constexpr int kMostPods = 250;

struct File {
  Controller controller;
  const char* name;
};

constexpr File kContainerFiles[] = {
    {Controller::kCpuacct, "cpuacct.usage"},
    {Controller::kCpuacct, "cpuacct.stat"},
    {Controller::kCpu, "cpu.shares"},
    {Controller::kCpu, "cpu.cfs_period_us"},
    {Controller::kCpu, "cpu.cfs_quota_us"},
    {Controller::kMemory, "memory.usage_in_bytes"},
    {Controller::kMemory, "memory.stat"},
    {Controller::kMemory, "memory.max_usage_in_bytes"},
    {Controller::kMemory, "memory.limit_in_bytes"},
    {Controller::kMemory, "memory.oom_control"},
    {Controller::kMemory, "cgroup.procs"},
    {Controller::kBlkio, "blkio.bfq.io_service_bytes_recursive"},
    {Controller::kBlkio, "blkio.throttle.io_service_bytes_recursive"},
    {Controller::kBlkio, "blkio.bfq.io_serviced_recursive"},
    {Controller::kBlkio, "blkio.throttle.io_serviced_recursive"},
    {Controller::kPids, "pids.current"},
    {Controller::kPids, "pids.max"},
};
constexpr File kPodFiles[] = {
    {Controller::kCpuacct, "cpuacct.usage"},
    {Controller::kMemory, "memory.usage_in_bytes"},
    {Controller::kMemory, "memory.stat"},
    {Controller::kBlkio, "blkio.bfq.io_service_bytes_recursive"},
    {Controller::kBlkio, "blkio.throttle.io_service_bytes_recursive"},
};

// blkio files in which the top cgroup has no device are not read for each cgroup.
bool Counts(const std::string& root_file) {
  const auto text = ReadFile(root_file);
  return text.ok() && text.value().find(':') != std::string::npos;
}

}  // namespace

double CpuMs(const std::function<void()>& work) {
  auto now_ms = [] {
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return static_cast<double>(cpu.tv_sec) * 1e3 + static_cast<double>(cpu.tv_nsec) / 1e6;
  };
  const double before_ms = now_ms();
  work();
  return now_ms() - before_ms;
}

Floor::Floor(const cgroup::Layout& layout, const std::string& prefix, int pods) : layout_(layout), prefix_(prefix) {
  const int read = std::min(pods, kMostPods);
  scale_ = static_cast<double>(pods) / read;
  for (int pod = 0; pod < read; ++pod) {
    for (const File& file : kPodFiles) Open(file.controller, file.name, PodPath(pod));
    for (int container = 0; container < kContainersPerPod; ++container) {
      const std::string path = ContainerPath(pod, container);
      for (const File& file : kContainerFiles) Open(file.controller, file.name, path);
      if (container == 0) Open(Controller::kCpu, "cpu.stat", path);
      if (!layout.unified) continue;
      for (const char* name : {"cpu.pressure", "memory.pressure", "io.pressure"}) {
        OpenPath(layout.mounts[*layout.unified] + prefix + path + "/" + name);
      }
    }
  }
}

void Floor::Read() {
  for (const UniqueFd& fd : files_) {
    if (::pread(fd.get(), buffer_.data(), buffer_.size(), 0) < 0) ++failed_;
  }
}

void Floor::Open(Controller controller, const std::string& name, const std::string& path) {
  const auto mount = layout_.V1(controller);
  if (!mount) return;
  const std::string top = layout_.mounts[*mount] + prefix_;
  if (controller == Controller::kBlkio && !Counts(top + "/" + name)) return;
  OpenPath(top + path + "/" + name);
}

void Floor::OpenPath(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid()) files_.push_back(std::move(fd));
}

}  // namespace cloudmon::bench
