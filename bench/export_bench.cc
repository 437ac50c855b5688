// SPDX-License-Identifier: Apache-2.0
// GET /api/export/pods.json from a store of 10,000 pods over 127.0.0.1: how long it takes and how much memory it adds
// to an aggregator that holds the newest buckets. Prints one figure a line. Usage: export_bench [--entries=N]
// [directory]
#include <curl/curl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/api/handlers.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/http/server.h"

using namespace cloudmon;
using series::Field;
using series::Kind;

namespace {

constexpr std::int64_t kStart = 1'700'000'000;
constexpr std::int64_t kPods = 10'000;

void Print(const char* what, double value, const char* unit) {
  std::printf("%-42s %12.2f %s\n", what, value, unit);
}

// Pods of 500 deployments in 50 namespaces on 100 nodes, named as Kubernetes does.
std::vector<series::MemberPtr> Pods() {
  std::vector<series::MemberPtr> pods;
  for (std::int64_t i = 0; i < kPods; ++i) {
    const std::string deployment = "service-" + std::to_string(i % 500);
    pods.push_back(std::make_shared<const series::Member>(
        series::Member{Kind::kPod, "node-" + std::to_string(i % 100), "team-" + std::to_string(i % 50), deployment,
                       deployment + "-7d9c6b8f5-" + std::to_string(10'000 + i)}));
  }
  return pods;
}

// All that a pod has; totals grow.
series::Point PodPoint(std::int64_t pod, std::int64_t bucket) {
  series::Point point;
  for (const auto& info : series::kFields) {
    if (info.field >= Field::kPods) continue;
    const bool is_total = info.field_class == series::FieldClass::kTotal;
    point.Set(info.field,
              is_total ? pod * 79'190'013 + bucket * (1 + pod % 7919) : (pod * 7919 + bucket * 104'729) % 900'000'000);
  }
  return point;
}

int Fill(const store::StoreOptions& options, std::int64_t buckets, const Clock& clock) {
  const auto store = store::Store::Open(options, clock);
  if (!store.ok()) return 1;
  const auto pods = Pods();
  const auto cluster = std::make_shared<const series::Member>();
  for (std::int64_t b = 0; b < buckets; ++b) {
    series::Bucket bucket{kStart + 10 * b, {{cluster, PodPoint(1, b)}}};
    for (std::int64_t i = 0; i < kPods; ++i)
      bucket.entries.push_back({pods[static_cast<std::size_t>(i)], PodPoint(i, b)});
    store.value()->Append(std::move(bucket));
    while (store.value()->Stats().write_queue > 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return 0;
}

// "VmRSS" or "VmHWM" of this process in MiB.
double MemoryMib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::atof(line.c_str() + name.size() + 1) / 1024;
  }
  return 0;
}

// The peak starts anew at what is in use.
void ResetPeak() {
  ::malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

struct Received {
  std::size_t bytes = 0, lines = 0;
};

std::size_t Count(char* data, std::size_t size, std::size_t count, void* to) {
  auto& received = *static_cast<Received*>(to);
  received.bytes += size * count;
  received.lines += static_cast<std::size_t>(std::count(data, data + size * count, '\n'));
  return size * count;
}

bool Download(std::uint16_t port, Received& received) {
  const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/api/export/pods.json";
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &Count);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &received);
  return curl_easy_perform(curl.get()) == CURLE_OK;
}

int Export(const store::StoreOptions& options, std::int64_t buckets, const Clock& clock) {
  const auto store = store::Store::Open(options, clock);
  if (!store.ok()) return 1;
  const api::ApiDeps deps{.store = *store.value(), .clock = clock};
  const auto server = http::Server::Start({.listen_address = "127.0.0.1:0"}, api::BuildRouter(deps));
  if (!server.ok()) return 1;
  ResetPeak();
  const double before_mib = MemoryMib("VmRSS");
  Received received;
  bool complete = false;
  const auto begin = std::chrono::steady_clock::now();
  std::thread([&] { complete = Download(server.value()->port(), received); }).join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const double peak_mib = MemoryMib("VmHWM");
  // A line for each pod, the cluster and the two braces.
  if (!complete || received.lines != static_cast<std::size_t>(kPods) + 3) {
    std::fprintf(stderr, "the export is not complete: %zu lines\n", received.lines);
    return 1;
  }
  Print("entries", static_cast<double>(kPods * buckets), "");
  Print("size", static_cast<double>(received.bytes) / 1e6, "MB");
  Print("time", took.count(), "s");
  Print("speed", static_cast<double>(received.bytes) / 1e6 / took.count(), "MB/s");
  Print("entries a second", static_cast<double>(kPods * buckets) / took.count(), "");
  Print("memory before (with the newest buckets)", before_mib, "MiB");
  Print("memory added at the peak", peak_mib - before_mib, "MiB");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::int64_t buckets = 1000;
  store::StoreOptions options;
  options.path = (std::filesystem::temp_directory_path() / "cloudmon-export-bench").string();
  constexpr std::string_view kEntries = "--entries=";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(kEntries)) {
      buckets = std::max<std::int64_t>(1, std::atoll(argument.c_str() + kEntries.size()) / kPods);
    } else {
      options.path = argument;
    }
  }
  ::mallopt(M_ARENA_MAX, 2);  // as the aggregator
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  std::filesystem::remove_all(options.path);
  const SystemClock clock;
  const pid_t child = ::fork();  // so that what filling leaves in the heap does not count as before
  if (child == 0) ::_exit(Fill(options, buckets, clock));
  int status = 1;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return 1;
  status = Export(options, buckets, clock);
  std::filesystem::remove_all(options.path);
  return status;
}
