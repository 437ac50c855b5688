// SPDX-License-Identifier: Apache-2.0
// The bucketer and the store with a large cluster: CPU for each bucket, bytes on disk and in memory, latencies of the
// common queries, time to be ready after kill -9. Prints one figure a line.
// Usage: store_bench [pods] [buckets] [directory]
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "aggregator/store/store.h"
#include "common/clock.h"

using namespace cloudmon;
using series::Field;
using series::Kind;

namespace {

constexpr std::int64_t kStart = 1'700'000'000;
constexpr int kPodsOfNode = 100, kNamespaces = 20, kDeployments = 500;

double Milliseconds(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

// The median of `times` runs, in milliseconds of wall clock.
template <class Work>
double Median(int times, Work work) {
  std::vector<double> took;
  for (int i = 0; i < times; ++i) {
    const double begin = Milliseconds(CLOCK_MONOTONIC);
    work();
    took.push_back(Milliseconds(CLOCK_MONOTONIC) - begin);
  }
  std::nth_element(took.begin(), took.begin() + times / 2, took.end());
  return took[static_cast<std::size_t>(times / 2)];
}

std::size_t HeapBytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

void Print(const char* what, double value, const char* unit) {
  std::printf("%-58s %12.2f %s\n", what, value, unit);
}

// Nodes with pods whose values move as real ones do: some busy, most nearly idle, no disk or little.
class Cluster {
 public:
  explicit Cluster(int pods) {
    for (int i = 0; i < pods; ++i) {
      if (i % kPodsOfNode == 0) pages_.emplace_back();
      const int deployment = i % kDeployments;
      series::PodReading pod;
      pod.key = std::make_shared<const series::PodKey>(
          series::PodKey{"namespace-" + std::to_string(deployment % kNamespaces),
                         "deployment-" + std::to_string(deployment) + "-7d9c6b8f5-" + std::to_string(10'000 + i),
                         "deployment-" + std::to_string(deployment), "uid-" + std::to_string(i)});
      pod.usage = {random_() % 50'000'000'000, random_() % 4'000'000'000, random_() % 3'000'000'000,
                   random_() % 1'000'000'000,  random_() % 9'000'000'000, random_() % 90'000'000'000,
                   random_() % 90'000'000'000};
      pages_.back().pods.push_back(std::move(pod));
    }
  }

  void Step() {
    for (series::TargetReading& page : pages_) {
      for (series::PodReading& pod : page.pods) {
        series::Usage& usage = pod.usage;
        const std::uint64_t busy = random_() % 10 == 0 ? 100 : 1;
        *usage.cpu_usage_usec += random_() % (50'000 * busy);
        *usage.memory_bytes += 4096 * (random_() % 64);
        *usage.memory_working_set_bytes = *usage.memory_bytes - 4096 * (random_() % 1000);
        if (busy > 1) *usage.disk_write_bytes += 4096 * (random_() % 4000);
        *usage.network_rx_bytes += random_() % (10'000 * busy);
        *usage.network_tx_bytes += random_() % (5'000 * busy);
      }
    }
  }
  [[nodiscard]] const std::vector<series::TargetReading>& pages() const { return pages_; }

 private:
  std::mt19937_64 random_{42};
  std::vector<series::TargetReading> pages_;
};

struct Setup {
  int pods;
  std::int64_t buckets;
  store::StoreOptions options;
  [[nodiscard]] std::int64_t End() const { return kStart + 10 * buckets; }
};

void WaitWritten(const store::Store& store) {
  while (store.Stats().write_queue > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void Fill(const Setup& setup, store::Store& store) {
  Cluster cluster(setup.pods);
  series::Bucketer bucketer(10);
  double bucketing = 0;
  double appending = 0;
  std::size_t heap = 0;
  std::size_t points = 0;
  const double process = Milliseconds(CLOCK_PROCESS_CPUTIME_ID);
  double stepping = 0;
  for (std::int64_t t = kStart; t < setup.End(); t += 10) {
    const double begin = Milliseconds(CLOCK_THREAD_CPUTIME_ID);
    cluster.Step();
    const double stepped = Milliseconds(CLOCK_THREAD_CPUTIME_ID);
    int node = 0;
    for (const series::TargetReading& page : cluster.pages()) {
      bucketer.Add("node-" + std::to_string(node), t, t * 1000 + node, page);
      ++node;
    }
    series::Bucket bucket = bucketer.Seal(t, 0);
    const double sealed = Milliseconds(CLOCK_THREAD_CPUTIME_ID);
    store.Append(std::move(bucket));
    appending += Milliseconds(CLOCK_THREAD_CPUTIME_ID) - sealed;
    bucketing += sealed - stepped;
    stepping += stepped - begin;
    WaitWritten(store);
    if (t == kStart + 10) {  // after the first buckets all that is needed once is there
      heap = HeapBytes();
      points = store.Stats().head_points;
    }
  }
  const auto n = static_cast<double>(setup.buckets);
  const double writing = Milliseconds(CLOCK_PROCESS_CPUTIME_ID) - process - bucketing - appending - stepping;
  const store::StoreStats stats = store.Stats();
  Print("bucketer: Add and Seal, CPU for each bucket", bucketing / n, "ms");
  Print("store: Append, CPU for each bucket", appending / n, "ms");
  Print("store: writing, CPU for each bucket (with this wait)", writing / n, "ms");
  Print("database and journal, for each bucket", static_cast<double>(stats.database_bytes) / n / 1e3, "kB");
  Print("heap for each point of the head",
        static_cast<double>(HeapBytes() - heap) / static_cast<double>(stats.head_points - points), "bytes");
  Print("points in the head", static_cast<double>(stats.head_points), "");
}

void Query(const Setup& setup, const store::Store& store, const char* what, const store::Selector& selector,
           std::int64_t buckets, series::FieldMask fields = series::kAllFields) {
  std::size_t points = 0;
  const double took = Median(51, [&] {
    const auto slices = store.Select(selector, setup.End() - 10 * buckets, setup.End(), fields, SIZE_MAX);
    points = 0;
    if (slices.ok()) {
      for (const store::SeriesSlice& slice : slices.value()) points += slice.points.size();
    }
  });
  Print((std::string("select: ") + what + " (" + std::to_string(points) + " points)").c_str(), took, "ms");
}

void QueryAll(const Setup& setup, const store::Store& store) {
  const std::string pod = "deployment-7-7d9c6b8f5-10007";
  Query(setup, store, "newest of all pods", {Kind::kPod, "", "", "", ""}, 1);
  Query(setup, store, "newest of all namespaces", {Kind::kNamespace, "", "", "", ""}, 1);
  Query(setup, store, "one pod, 120 buckets", {Kind::kPod, "", "", "", pod}, 120);
  Query(setup, store, "one deployment's pods, 120 buckets", {Kind::kPod, "", "", "deployment-7", ""}, 120);
  Query(setup, store, "all deployments, 120 buckets", {Kind::kDeployment, "", "", "", ""}, 120);
  Query(setup, store, "all deployments, 120 buckets, one field", {Kind::kDeployment, "", "", "", ""}, 120,
        series::MaskOf(Field::kCpuMillicores));
  Query(setup, store, "one pod, all buckets", {Kind::kPod, "", "", "", pod}, setup.buckets);
  Print("knows a pod", Median(51, [&] { (void)store.Knows({Kind::kPod, "", "", "", pod}); }), "ms");
  Print("knows no such pod", Median(51, [&] { (void)store.Knows({Kind::kPod, "", "", "", "none"}); }), "ms");
}

// What an export does: all members of all buckets, with bounded memory.
void ReadAllInPasses(const Setup& setup, const store::Store& store) {
  std::size_t points = 0;
  const auto by_pod = [](const series::Member& a, const series::Member& b) { return a.pod < b.pod; };
  const auto count = [&points](const store::SeriesSlice& slice) {
    points += slice.points.size();
    return true;
  };
  const double took = Median(1, [&] {
    (void)store.ForEach({Kind::kPod, "", "", "", ""}, kStart, setup.End(), by_pod, 200'000, count);
  });
  Print(("from the database: all pods in passes (" + std::to_string(points) + " points)").c_str(), took, "ms");
}

int FillAndDie(const Setup& setup, const Clock& clock) {
  auto store = store::Store::Open(setup.options, clock);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", store.error().message.c_str());
    return 1;
  }
  Fill(setup, *store.value());
  QueryAll(setup, *store.value());
  std::fflush(stdout);
  return ::kill(::getpid(), SIGKILL);
}

}  // namespace

int main(int argc, char** argv) {
  Setup setup{argc > 1 ? std::atoi(argv[1]) : 10'000, argc > 2 ? std::atoll(argv[2]) : 190, {}};
  setup.options.path = argc > 3 ? argv[3] : (std::filesystem::temp_directory_path() / "cloudmon-store-bench").string();
  std::filesystem::remove_all(setup.options.path);
  const SystemClock clock;
  const pid_t child = ::fork();
  if (child == 0) return FillAndDie(setup, clock);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) return 1;
  {
    const double begin = Milliseconds(CLOCK_MONOTONIC);
    const auto store = store::Store::Open(setup.options, clock);
    Print("ready after kill -9", Milliseconds(CLOCK_MONOTONIC) - begin, "ms");
    if (!store.ok()) return 1;
    Print("tail of all members", Median(3, [&] { (void)store.value()->Tail(); }), "ms");
  }
  // With fewer than 30 buckets the journal alone.
  Print("database after a clean end, for each bucket",
        static_cast<double>(std::filesystem::file_size(setup.options.path + "/cloud-monitor.db")) /
            static_cast<double>(setup.buckets) / 1e3,
        "kB");
  setup.options.head_points = 1;
  const auto store = store::Store::Open(setup.options, clock);
  if (!store.ok()) return 1;
  Query(setup, *store.value(), "from the database: one pod, 12 buckets",
        {Kind::kPod, "", "", "", "deployment-7-7d9c6b8f5-10007"}, 12);
  ReadAllInPasses(setup, *store.value());
  std::filesystem::remove_all(setup.options.path);
  return 0;
}
