// SPDX-License-Identifier: Apache-2.0
// Cost of a page of 100 pods with 12 series each, for each sample: parsing alone, the first page of a target (its heads
// are parsed and remembered), and the following ones. The ratio to parsing alone is what counts.
#include <benchmark/benchmark.h>

#include <string>

#include "aggregator/scrape/page_reader.h"

namespace cloudmon::scrape {
namespace {

constexpr int kPods = 100;
constexpr int kSeries = 12;

// In the order of a page: metric by metric.
std::string MakePage(std::uint64_t base) {
  struct Metric {
    const char* name;
    const char* extra;
  };
  constexpr Metric kMetrics[kSeries] = {
      {"container_cpu_usage_seconds_total", ",container=\"app\",image=\"registry.example/shop/web:1.27.4\""},
      {"container_memory_working_set_bytes", ",container=\"app\",image=\"registry.example/shop/web:1.27.4\""},
      {"container_memory_rss", ",container=\"app\",image=\"registry.example/shop/web:1.27.4\""},
      {"container_start_time_seconds", ",container=\"app\",image=\"registry.example/shop/web:1.27.4\""},
      {"container_network_receive_bytes_total", ",interface=\"eth0\""},
      {"container_network_transmit_bytes_total", ",interface=\"eth0\""},
      {"pod_cpu_usage_seconds_total", ""},
      {"pod_memory_usage_bytes", ""},
      {"pod_memory_working_set_bytes", ""},
      {"pod_fs_reads_bytes_total", ""},
      {"pod_fs_writes_bytes_total", ""},
      {"cloudmon_pod_info", ",pod_uid=\"8c7d1f0e-5c3b-4b0a-9f6e-2a1b3c4d5e6f\",qos=\"burstable\""},
  };
  std::string page;
  for (const Metric& metric : kMetrics) {
    page += std::string("# TYPE ") + metric.name + " gauge\n";
    for (int pod = 0; pod < kPods; ++pod) {
      const std::string deployment = "web-" + std::to_string(pod % 7);
      page += std::string(metric.name) + "{namespace=\"shop-" + std::to_string(pod % 10) + "\",pod=\"" + deployment +
              "-7d9c6b8f5-" + std::to_string(10'000 + pod) + "\",deployment=\"" + deployment + "\",workload=\"" +
              deployment + "\",workload_type=\"deployment\"" + metric.extra + "} " +
              std::to_string(base + static_cast<std::uint64_t>(pod) * 7919) + ".5\n";
    }
  }
  return page;
}

void PerSample(benchmark::State& state) {
  state.counters["per_sample"] =
      benchmark::Counter(kPods * kSeries, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void ParseAlone(benchmark::State& state) {
  const std::string page = MakePage(1'000'000);
  for (auto _ : state) {
    double sum = 0;
    exposition::ParsePage(page, exposition::Format::kText, {}, [&](const exposition::Sample& s) { sum += s.value; });
    benchmark::DoNotOptimize(sum);
  }
  PerSample(state);
}

void FirstPage(benchmark::State& state) {
  const std::string page = MakePage(1'000'000);
  for (auto _ : state) {
    PageReader reader;
    benchmark::DoNotOptimize(reader.Read(page, exposition::Format::kText, {}));
  }
  PerSample(state);
}

void FollowingPages(benchmark::State& state) {
  const std::string pages[2] = {MakePage(1'000'000), MakePage(2'000'000)};
  PageReader reader;
  std::size_t turn = 0;
  for (auto _ : state) benchmark::DoNotOptimize(reader.Read(pages[turn++ % 2], exposition::Format::kText, {}));
  PerSample(state);
}

BENCHMARK(ParseAlone);
BENCHMARK(FirstPage);
BENCHMARK(FollowingPages);

}  // namespace
}  // namespace cloudmon::scrape
