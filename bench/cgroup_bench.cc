// SPDX-License-Identifier: Apache-2.0
// What one scan, and one whole scrape, of 250 pods (or as many as are asked for) with two containers each costs, in CPU
// time, beside the floor: the scan's files read through descriptors that stay open, each by one pread into one buffer,
// nothing parsed. The scrape is the scan, the pods' network, the node, names, and the page's text. For nodes with
// cgroup v1 (or hybrid), as root: it makes the cgroups and removes them again, also when it is interrupted.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/cgroup_bench_floor.h"
#include "bench/cgroup_bench_tree.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/process_stats.h"
#include "exporter/cgroup/reader.h"
#include "exporter/collector.h"
#include "exporter/config.h"
#include "exporter/identity/process_probe.h"
#include "tests/support/fake_clock.h"

namespace {

using namespace cloudmon;
using bench::kContainersPerPod;
using bench::View;
using cgroup::Layout;

constexpr int kPasses = 50;
constexpr int kPassesAfterPause = 8;
constexpr int kWarmUps = 3;                   // settings of young cgroups are read on each pass
constexpr std::int64_t kIntervalMs = 10'000;  // between two scrapes, as the clock that the reader sees has it
constexpr std::int64_t kStartMs = 1'800'000'000'000;

struct Options {
  int pods = 250;
  std::int64_t kept_descriptors = ExporterConfig{}.kept_descriptors;
};

using FloorMs = std::function<double()>;  // CPU time of one pass of the floor

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
             const FloorMs& floor) {
  double work_ms = 0;
  double floor_ms = 0;
  for (int pass = 0; pass < passes; ++pass) {
    ::sleep(pause_seconds);
    work_ms += bench::CpuMs(work);
    ::sleep(pause_seconds);
    floor_ms += floor();
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
std::size_t MeasureScan(const View& view, const Options& options, const FloorMs& floor_ms) {
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
  Compare("scan, back to back", kPasses, 0, scan, floor_ms);
  Compare("scan, after 1 s of sleep", kPassesAfterPause, 1, scan, floor_ms);
  return containers;
}

void MeasureScrape(const View& view, const Options& options, const FloorMs& floor_ms) {
  const KernelMemory before = ReadKernelMemory();
  Scrape scrape(view, options);
  std::size_t page_bytes = 0;
  for (int warm_up = 0; warm_up < kWarmUps; ++warm_up) page_bytes = scrape.Page();
  const KernelMemory after = ReadKernelMemory();
  std::printf("page of %zu bytes, %zu descriptors, slab %+lld kB\n", page_bytes, after.descriptors - before.descriptors,
              after.slab_kb - before.slab_kb);
  const auto page = [&] { (void)scrape.Page(); };
  Compare("scrape, back to back", kPasses, 0, page, floor_ms);
  Compare("scrape, after 1 s of sleep", kPassesAfterPause, 1, page, floor_ms);
}

int Measure(const Layout& layout, const std::string& prefix, const View& view, const Options& options) {
  const std::vector<pid_t> sleepers = bench::MakeTree(layout, prefix, options.pods);
  bench::Floor floor(layout, prefix, options.pods);
  floor.Read();
  const auto floor_ms = [&floor] { return floor.Ms(); };
  std::printf("%s, %d pods, %d containers, %zu files, at most %lld kept open\n", VersionName(layout.version).data(),
              options.pods, options.pods * kContainersPerPod, floor.files(),
              static_cast<long long>(options.kept_descriptors));
  const std::size_t containers = MeasureScan(view, options, floor_ms);
  MeasureScrape(view, options, floor_ms);
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
  return bench::RunWithCgroups([&options](const Layout& layout, const std::string& prefix, const View& view) {
    return Measure(layout, prefix, view, options);
  });
}
