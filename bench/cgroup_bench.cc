// SPDX-License-Identifier: Apache-2.0
// What one scan, and one whole scrape, of 250 pods (or as many as are asked for) with two containers each costs, in CPU
// time, beside the floor: the scan's files read through descriptors that stay open, each by one pread into one buffer,
// nothing parsed. The scrape is the scan, the pods' network, the node, names, and the page's text. For nodes with
// cgroup v1 (or hybrid), as root: it makes the cgroups and removes them again, also when it is interrupted.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/cgroup_bench_tree.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/process_stats.h"
#include "exporter/cgroup/read_layout.h"
#include "exporter/cgroup/reader.h"
#include "exporter/collector.h"
#include "exporter/config.h"
#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"

namespace {

using namespace cloudmon;
using cgroup::Controller;
using cgroup::Layout;

constexpr int kContainersPerPod = 2;
constexpr int kPasses = 50;
constexpr int kPassesAfterPause = 8;
constexpr int kWarmUps = 3;                   // settings of young cgroups are read on each pass
constexpr std::int64_t kIntervalMs = 10'000;  // between two scrapes, as the clock that the reader sees has it
constexpr std::int64_t kStartMs = 1'800'000'000'000;

struct Options {
  int pods = 250;
  std::int64_t kept_descriptors = ExporterConfig{}.kept_descriptors;
};

// Mounts seen as if the prefix were their root, so that pods of others on this machine are not read.
class View {
 public:
  View(const Layout& layout, const std::string& prefix) {
    std::string pattern = (std::filesystem::temp_directory_path() / "cgroup-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    for (const std::string& mount : layout.mounts) {
      const auto name = std::filesystem::path(mount).filename();
      std::filesystem::create_directory_symlink(mount + prefix, std::filesystem::path(path_) / name);
    }
  }
  ~View() { std::filesystem::remove_all(path_); }
  View(const View&) = delete;
  View& operator=(const View&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

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

// The files that a scan reads, as far as this kernel has them, open.
class Floor {
 public:
  Floor(const Layout& layout, const std::string& prefix, int pods) {
    for (int pod = 0; pod < pods; ++pod) {
      for (const File& file : kPodFiles) Open(layout, file, prefix, bench::PodPath(pod));
      for (int container = 0; container < kContainersPerPod; ++container) {
        const std::string path = bench::ContainerPath(pod, container);
        for (const File& file : kContainerFiles) Open(layout, file, prefix, path);
        if (container == 0) Open(layout, {Controller::kCpu, "cpu.stat"}, prefix, path);
        if (!layout.unified) continue;
        for (const char* name : {"cpu.pressure", "memory.pressure", "io.pressure"}) {
          OpenPath(layout.mounts[*layout.unified] + prefix + path + "/" + name);
        }
      }
    }
  }

  void Read() {
    for (const UniqueFd& fd : files_) {
      if (::pread(fd.get(), buffer_.data(), buffer_.size(), 0) < 0) ++failed_;
    }
  }

  [[nodiscard]] std::size_t files() const { return files_.size(); }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  void Open(const Layout& layout, const File& file, const std::string& prefix, const std::string& path) {
    const auto mount = layout.V1(file.controller);
    if (!mount) return;
    const std::string top = layout.mounts[*mount] + prefix;
    if (file.controller == Controller::kBlkio && !Counts(top + "/" + file.name)) return;
    OpenPath(top + path + "/" + file.name);
  }
  void OpenPath(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) files_.push_back(std::move(fd));
  }

  std::vector<UniqueFd> files_;
  std::vector<char> buffer_ = std::vector<char>(64U << 10U);
  std::size_t failed_ = 0;
};

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

struct KernelMemory {
  long long slab_kb = 0;
  std::size_t descriptors = 0;
};

KernelMemory ReadKernelMemory() {
  KernelMemory memory;
  const auto text = ReadFile(ExporterConfig{}.roots.procfs + "/meminfo");
  const auto at = text.ok() ? text.value().find("Slab:") : std::string::npos;
  if (at != std::string::npos) memory.slab_kb = std::atoll(text.value().c_str() + at + 5);
  memory.descriptors = ReadProcessStats(ExporterConfig{}.roots.procfs).open_fds.value_or(0);
  return memory;
}

// Both in turn, so that what else the machine does hits both.
void Compare(const char* label, int passes, unsigned pause_seconds, const std::function<void()>& work,
             const std::function<void()>& floor) {
  double work_ms = 0;
  double floor_ms = 0;
  for (int pass = 0; pass < passes; ++pass) {
    ::sleep(pause_seconds);
    work_ms += CpuMs(work);
    ::sleep(pause_seconds);
    floor_ms += CpuMs(floor);
  }
  std::printf("%-26s %7.2f ms CPU   floor %7.2f ms CPU   ratio %.2f\n", label, work_ms / passes, floor_ms / passes,
              work_ms / floor_ms);
  std::fflush(stdout);
}

// Names all pods of the tree at once, as the container runtime would.
class AllPods final : public identity::Source {
 public:
  explicit AllPods(int pods) : pods_(pods) {}
  [[nodiscard]] std::string_view name() const override { return "cri"; }
  Result<std::vector<identity::PodIdentity>> Fetch() override {
    std::vector<identity::PodIdentity> pods;
    for (int pod = 0; pod < pods_; ++pod) {
      identity::PodIdentity who;
      who.uid = bench::PodPath(pod).substr(std::string_view("/kubepods/burstable/pod").size());
      who.namespace_name = "bench";
      who.deployment = who.workload = "web-" + std::to_string(pod / 10);
      who.name = who.deployment + "-7d9c6b8f5-" + std::to_string(pod);
      who.workload_type = "deployment";
      for (int container = 0; container < kContainersPerPod; ++container) {
        who.containers.push_back({.id = bench::ContainerPath(pod, container).substr(bench::PodPath(pod).size() + 1),
                                  .name = "app-" + std::to_string(container),
                                  .image = "bench/web:1.2",
                                  .log_birth_seconds = {}});
      }
      pods.push_back(std::move(who));
    }
    return pods;
  }

 private:
  int pods_;
};

// The exporter's whole page, made anew each time.
class Scrape {
 public:
  Scrape(const View& view, const Options& options)
      : probe_(ExporterConfig{}.roots.procfs),
        collector_(Config(view, options), Sources(options.pods), probe_, clock_) {}

  std::size_t Page() {
    clock_.Advance(kIntervalMs);
    return collector_.Page(exposition::Format::kText).size();
  }

 private:
  static ExporterConfig Config(const View& view, const Options& options) {
    ExporterConfig config;
    config.node_name = "bench";
    config.roots.cgroup = view.path();
    config.kept_descriptors = options.kept_descriptors;
    return config;
  }
  static std::vector<std::unique_ptr<identity::Source>> Sources(int pods) {
    std::vector<std::unique_ptr<identity::Source>> sources;
    sources.push_back(std::make_unique<AllPods>(pods));
    return sources;
  }

  test::FakeClock clock_{kStartMs};
  identity::ProcessProbe probe_;
  Collector collector_;
};

// Returns the number of containers found.
std::size_t MeasureScan(const View& view, const Options& options, const std::function<void()>& read_floor) {
  test::FakeClock clock(kStartMs);
  cgroup::CgroupReader reader(Roots{.procfs = view.path(), .cgroup = view.path(), .rootfs = {}, .podlogs = {}}, clock,
                              static_cast<std::size_t>(options.kept_descriptors));
  std::size_t containers = 0;
  auto scan = [&] {
    clock.Advance(kIntervalMs);
    const cgroup::CgroupScan found = reader.Read();
    containers = 0;
    for (const cgroup::Pod& pod : found.pods) containers += pod.containers.size();
    for (const Error& error : found.errors) std::fprintf(stderr, "%s\n", error.message.c_str());
  };
  for (int warm_up = 0; warm_up < kWarmUps; ++warm_up) scan();
  Compare("scan, back to back", kPasses, 0, scan, read_floor);
  Compare("scan, after 1 s of sleep", kPassesAfterPause, 1, scan, read_floor);
  return containers;
}

void MeasureScrape(const View& view, const Options& options, const std::function<void()>& read_floor) {
  const KernelMemory before = ReadKernelMemory();
  Scrape scrape(view, options);
  std::size_t page_bytes = 0;
  for (int warm_up = 0; warm_up < kWarmUps; ++warm_up) page_bytes = scrape.Page();
  const KernelMemory after = ReadKernelMemory();
  std::printf("page of %zu bytes, %zu descriptors, slab %+lld kB\n", page_bytes, after.descriptors - before.descriptors,
              after.slab_kb - before.slab_kb);
  const auto page = [&] { (void)scrape.Page(); };
  Compare("scrape, back to back", kPasses, 0, page, read_floor);
  Compare("scrape, after 1 s of sleep", kPassesAfterPause, 1, page, read_floor);
}

int Measure(const Layout& layout, const std::string& prefix, const View& view, const Options& options) {
  const std::vector<pid_t> sleepers = bench::MakeTree(layout, prefix, options.pods, kContainersPerPod);
  Floor floor(layout, prefix, options.pods);
  const auto read_floor = [&] { floor.Read(); };
  read_floor();
  std::printf("%s, %d pods, %d containers, %zu files, at most %lld kept open\n", VersionName(layout.version).data(),
              options.pods, options.pods * kContainersPerPod, floor.files(),
              static_cast<long long>(options.kept_descriptors));
  const std::size_t containers = MeasureScan(view, options, read_floor);
  MeasureScrape(view, options, read_floor);
  for (const pid_t sleeper : sleepers) ::kill(sleeper, SIGKILL);
  for (const pid_t sleeper : sleepers) ::waitpid(sleeper, nullptr, 0);
  return containers == static_cast<std::size_t>(options.pods) * kContainersPerPod && floor.failed() == 0 ? 0 : 1;
}

}  // namespace

// cgroup_bench [pods [kept descriptors]]
int main(int argc, char** argv) {
  Options options;
  if (argc > 1) options.pods = std::atoi(argv[1]);
  if (argc > 2) options.kept_descriptors = std::atoll(argv[2]);
  if (::geteuid() != 0) {
    std::fprintf(stderr, "cgroup_bench: makes cgroups, so it must run as root\n");
    return 1;
  }
  const auto layout = cgroup::ReadLayout(ExporterConfig{}.roots);
  if (!layout.ok() || layout.value().version == cgroup::Version::kV2) {
    std::fprintf(stderr, "cgroup_bench: needs cgroup v1 mounts: %s\n",
                 layout.ok() ? "this machine has v2 only" : layout.error().message.c_str());
    return 1;
  }
  RaiseDescriptorLimit();
  const std::string prefix = "/cmbench-" + std::to_string(::getpid());
  const View view(layout.value(), prefix);
  // A child does the work, so that however it ends this process can clean up.
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const pid_t worker = ::fork();
  if (worker < 0) return 1;
  if (worker == 0) {
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    const int result = Measure(layout.value(), prefix, view, options);
    std::fflush(stdout);
    ::_exit(result);
  }
  while (::sigwaitinfo(&signals, nullptr) != SIGCHLD) ::kill(worker, SIGTERM);
  int status = 0;
  ::waitpid(worker, &status, 0);
  if (!bench::RemoveTree(layout.value(), prefix)) {
    std::fprintf(stderr, "cgroup_bench: could not remove all cgroups named %s\n", prefix.c_str());
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
