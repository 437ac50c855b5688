// SPDX-License-Identifier: Apache-2.0
// Parser and writer of the exposition formats.
//   parse/floor   memchr for the newlines of a page like cAdvisor's: what any parser must at least do
//   parse/page    ParsePage over the same page: bytes a second and nanoseconds a sample
//   parse/head    ParseHead, nanoseconds a head
//   write/...     10,000 series with 5 labels, built and serialised, nanoseconds a series: by Writer with the labels
//                 rendered once for each container (ours), by prometheus-cpp, and by Writer from the same families
#include <benchmark/benchmark.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "common/exposition/parser.h"
#include "common/exposition/writer.h"
#include "common/text.h"

namespace {

using namespace cloudmon::exposition;

constexpr int kPods = 100;
constexpr const char* kMetrics[] = {"container_cpu_usage_seconds_total",
                                    "container_cpu_user_seconds_total",
                                    "container_cpu_system_seconds_total",
                                    "container_memory_usage_bytes",
                                    "container_memory_working_set_bytes",
                                    "container_memory_rss",
                                    "container_memory_cache",
                                    "container_fs_reads_bytes_total",
                                    "container_fs_writes_bytes_total",
                                    "container_network_receive_bytes_total",
                                    "container_network_transmit_bytes_total",
                                    "container_start_time_seconds"};

std::string PodName(int pod) {
  return "web-7d9c6b8f5-a" + std::to_string(10'000 + pod);
}

// The value as a Go program writes it: fractions, or large numbers with an exponent.
void AppendValue(std::string& out, int metric, int pod) {
  const int seed = metric * 1000 + pod;
  if (metric < 3) {
    out += std::to_string(seed * 7 % 9000) + "." + std::to_string(100'000'000 + seed * 7919 % 899'999'999);
  } else if (metric % 2 == 0) {
    out += "1." + std::to_string(1'000'000 + seed * 977 % 8'999'999) + "e+08";
  } else {
    out += std::to_string(seed * 4096);
  }
}

const std::string& CadvisorPage() {
  static const std::string page = [] {
    std::string out;
    for (int metric = 0; metric < static_cast<int>(std::size(kMetrics)); ++metric) {
      const std::string name = kMetrics[metric];
      out += "# HELP " + name + " What it counts, in one sentence.\n# TYPE " + name + " counter\n";
      for (int pod = 0; pod < kPods; ++pod) {
        const std::string id(64, "0123456789abcdef"[pod % 16]);
        out += name + "{container=\"app\",id=\"/kubepods/burstable/pod0a1b2c3d-4e5f-6789-abcd-ef0123456789/" + id +
               "\",image=\"registry.example/shop/web:1.2." + std::to_string(pod) + "\",name=\"" + id.substr(0, 32) +
               "\",namespace=\"shop\",pod=\"" + PodName(pod) + "\"} ";
        AppendValue(out, metric, pod);
        out += " 1795369210123\n";
      }
    }
    return out;
  }();
  return page;
}

void SetParseCounters(benchmark::State& state, const std::string& page) {
  const auto pages = static_cast<std::int64_t>(state.iterations());
  state.SetBytesProcessed(pages * static_cast<std::int64_t>(page.size()));
  state.SetItemsProcessed(pages * kPods * static_cast<std::int64_t>(std::size(kMetrics)));
}

void ParseFloor(benchmark::State& state) {
  const std::string& page = CadvisorPage();
  for (auto _ : state) {
    std::size_t lines = 0;
    const char* end = page.data() + page.size();
    for (const char* at = page.data(); at != end; ++lines) {
      at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at))) + 1;
    }
    benchmark::DoNotOptimize(lines);
  }
  SetParseCounters(state, page);
}
BENCHMARK(ParseFloor)->Name("parse/floor");

void ParsePages(benchmark::State& state) {
  const std::string& page = CadvisorPage();
  for (auto _ : state) {
    double sum = 0;
    const ParseReport report = ParsePage(page, Format::kText, {}, [&](const Sample& sample) { sum += sample.value; });
    if (report.rejected_lines != 0) state.SkipWithError(report.first_error.c_str());
    benchmark::DoNotOptimize(sum);
  }
  SetParseCounters(state, page);
}
BENCHMARK(ParsePages)->Name("parse/page");

void ParseOneHead(benchmark::State& state) {
  std::string head;
  ParsePage(CadvisorPage(), Format::kText, {.max_samples = 1}, [&](const Sample& sample) { head = sample.head; });
  for (auto _ : state) {
    auto parsed = ParseHead(head, {});
    benchmark::DoNotOptimize(parsed);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(ParseOneHead)->Name("parse/head");

// 500 containers with 20 series each, 5 labels.
constexpr int kContainers = 500;
constexpr int kSeriesEach = 20;

struct Container {
  std::vector<std::pair<std::string_view, std::string_view>> labels;
  std::string pod, image;
};

std::vector<Container> Containers() {
  std::vector<Container> out(kContainers);
  for (int i = 0; i < kContainers; ++i) {
    Container& c = out[static_cast<std::size_t>(i)];
    c.pod = PodName(i);
    c.image = "registry.example/shop/web:1.2." + std::to_string(i);
    c.labels = {{"namespace", "shop"}, {"pod", c.pod}, {"container", "app"}, {"image", c.image}, {"deployment", "web"}};
  }
  return out;
}

void WriteOurs(benchmark::State& state) {
  const std::vector<Container> containers = Containers();
  std::vector<std::string> names;
  for (int m = 0; m < kSeriesEach; ++m) names.push_back("container_some_metric_" + std::to_string(m) + "_bytes");
  std::string page;
  for (auto _ : state) {
    page.clear();
    std::vector<std::string> labels;  // rendered in each scrape, once for each container
    labels.reserve(containers.size());
    for (const Container& c : containers) labels.push_back(RenderLabels(c.labels));
    Writer writer(Format::kText, page);
    for (int m = 0; m < kSeriesEach; ++m) {
      writer.Begin({names[static_cast<std::size_t>(m)], "What it measures.", MetricType::kGauge});
      for (std::size_t i = 0; i < labels.size(); ++i) writer.Add(labels[i], std::uint64_t{i} * 4096 * 977);
    }
    writer.Finish();
    benchmark::DoNotOptimize(page.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kContainers * kSeriesEach);
  state.counters["page_bytes"] = static_cast<double>(page.size());
}
BENCHMARK(WriteOurs)->Name("write/ours");

std::vector<prometheus::MetricFamily> BuildFamilies(const std::vector<Container>& containers) {
  std::vector<prometheus::MetricFamily> families;
  for (int m = 0; m < kSeriesEach; ++m) {
    prometheus::MetricFamily family{"container_some_metric_" + std::to_string(m) + "_bytes",
                                    "What it measures.",
                                    prometheus::MetricType::Gauge,
                                    {}};
    family.metric.reserve(containers.size());
    for (std::size_t i = 0; i < containers.size(); ++i) {
      prometheus::ClientMetric metric;
      metric.label.reserve(containers[i].labels.size());
      for (const auto& [name, value] : containers[i].labels) {
        metric.label.push_back({std::string(name), std::string(value)});
      }
      metric.gauge.value = static_cast<double>(i * 4096 * 977);
      family.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(family));
  }
  return families;
}

void WritePrometheusCpp(benchmark::State& state) {
  const std::vector<Container> containers = Containers();
  const prometheus::TextSerializer serializer;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string page = serializer.Serialize(BuildFamilies(containers));
    bytes = page.size();
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kContainers * kSeriesEach);
  state.counters["page_bytes"] = static_cast<double>(bytes);
}
BENCHMARK(WritePrometheusCpp)->Name("write/prometheus_cpp");

void WriteOursFromFamilies(benchmark::State& state) {
  const std::vector<Container> containers = Containers();
  for (auto _ : state) {
    std::string page;
    Writer writer(Format::kText, page);
    writer.AddFamilies(BuildFamilies(containers));
    writer.Finish();
    benchmark::DoNotOptimize(page.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kContainers * kSeriesEach);
}
BENCHMARK(WriteOursFromFamilies)->Name("write/ours_from_families");

}  // namespace
