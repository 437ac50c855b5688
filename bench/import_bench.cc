// SPDX-License-Identifier: Apache-2.0
// BulkImport with a large cluster's history, member after member: time to stage and to merge, peak memory, bytes on
// disk. Prints one figure a line.
// Usage: import_bench [pods] [buckets] [directory]
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <utility>

#include "aggregator/store/bulk_import.h"
#include "aggregator/store/directory.h"
#include "common/clock.h"

using namespace cloudmon;
using series::Field;

namespace {

constexpr std::int64_t kStart = 1'700'000'000;

void Print(const char* what, double value, const char* unit) {
  std::printf("%-58s %12.2f %s\n", what, value, unit);
}

double PeakMegabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1e3;
}

series::Point Next(series::Point point, std::mt19937_64& random) {
  point.Set(Field::kCpuMillicores, static_cast<std::int64_t>(random() % 1000));
  point.Add(Field::kCpuUsageUsec, static_cast<std::int64_t>(random() % 1'000'000));
  point.Set(Field::kMemoryBytes, 4096 * static_cast<std::int64_t>(random() % 500'000));
  point.Add(Field::kNetworkRxBytes, static_cast<std::int64_t>(random() % 100'000));
  point.Add(Field::kNetworkTxBytes, static_cast<std::int64_t>(random() % 100'000));
  point.Set(Field::kNetworkRxRate, static_cast<std::int64_t>(random() % 100'000));
  point.Set(Field::kNetworkTxRate, static_cast<std::int64_t>(random() % 100'000));
  return point;
}

Status Stage(store::BulkImport& import, int pods, std::int64_t buckets) {
  std::mt19937_64 random(42);
  Status status = import.BeginPart("pods");
  for (int i = 0; i < pods && status.ok(); ++i) {
    const series::Member member{series::Kind::kPod, "node-" + std::to_string(i / 100), "ns-" + std::to_string(i % 20),
                                "deployment-" + std::to_string(i % 500), "pod-" + std::to_string(i)};
    series::Point point;
    for (std::int64_t b = 0; b < buckets && status.ok(); ++b) {
      point = Next(point, random);
      status = import.Add(kStart + 10 * b, member, point);
    }
  }
  return status.ok() ? import.EndPart() : status;
}

}  // namespace

int main(int argc, char** argv) {
  const int pods = argc > 1 ? std::atoi(argv[1]) : 10'000;
  const std::int64_t buckets = argc > 2 ? std::atoll(argv[2]) : 1'000;
  store::StoreOptions options;
  options.path = argc > 3 ? argv[3] : (std::filesystem::temp_directory_path() / "cloudmon-import-bench").string();
  std::filesystem::remove_all(options.path);
  const SystemClock clock;
  const auto import = store::BulkImport::Open(options, "bench", clock);
  if (!import.ok()) return 1;
  auto seconds = [&clock, begin = clock.SteadyMs()]() mutable {
    const std::int64_t now = clock.SteadyMs();
    return static_cast<double>(now - std::exchange(begin, now)) / 1e3;
  };
  if (!Stage(*import.value(), pods, buckets).ok()) return 1;
  Print("staging", seconds(), "s");
  Print("staging file", static_cast<double>(std::filesystem::file_size(options.path + "/import.db")) / 1e6, "MB");
  const auto report = import.value()->Merge([](std::size_t, std::size_t) { return true; });
  if (!report.ok() || !report.value().complete) return 1;
  Print("merging", seconds(), "s");
  Print("entries", static_cast<double>(report.value().entries), "");
  Print("database", static_cast<double>(store::DatabaseBytes(options.path + "/" + store::kDatabaseName)) / 1e6, "MB");
  Print("peak memory of the process", PeakMegabytes(), "MB");
  std::filesystem::remove_all(options.path);
  return 0;
}
