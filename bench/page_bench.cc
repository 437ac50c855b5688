// SPDX-License-Identifier: Apache-2.0
// Cost of a page of 100 pods with 12 series each, for each sample: parsing alone, the first page of a target (its heads
// are parsed and remembered), the following ones, and those on which a pod has gone and another come. The ratio to
// parsing alone is what counts. And what is remembered, in bytes for each series.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>

#include "aggregator/scrape/page_reader.h"
#include "bench/heap_bytes.h"
#include "bench/synthetic_node.h"

namespace cloudmon::scrape {
namespace {

constexpr int kPods = 100, kSeries = 12, kTargets = 100;
constexpr auto kText = exposition::Format::kText;

// `seconds` after the start.
std::string MakePage(std::int64_t seconds, int number = 0, int pods = kPods) {
  return bench::SyntheticNode(number, kTargets, pods, 42).Page(seconds);
}

void PerSample(benchmark::State& state) {
  state.counters["per_sample"] =
      benchmark::Counter(kPods * kSeries, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void ParseAlone(benchmark::State& state) {
  const std::string page = MakePage(60);
  for (auto _ : state) {
    double sum = 0;
    exposition::ParsePage(page, kText, {}, [&](const exposition::Sample& s) { sum += s.value; });
    benchmark::DoNotOptimize(sum);
  }
  PerSample(state);
}

void FirstPage(benchmark::State& state) {
  const std::string page = MakePage(60);
  for (auto _ : state) {
    PageReader reader;
    benchmark::DoNotOptimize(reader.Read(page, kText, {}));
  }
  PerSample(state);
}

void Alternate(benchmark::State& state, const std::string& one, const std::string& other) {
  PageReader reader;
  bool turn = false;
  for (auto _ : state) benchmark::DoNotOptimize(reader.Read((turn = !turn) ? one : other, kText, {}));
  PerSample(state);
}

void FollowingPages(benchmark::State& state) {
  Alternate(state, MakePage(60), MakePage(70));
}

void PagesThatDiffer(benchmark::State& state) {
  std::string other = MakePage(70);
  for (std::size_t at = 0; (at = other.find("-10050\"", at)) != std::string::npos;) other.replace(at, 7, "-10999\"");
  Alternate(state, MakePage(60), other);
}

void Memory(benchmark::State& state) {
  std::deque<PageReader> readers;
  double bytes = 0;
  for (auto _ : state) {
    const double before = bench::HeapBytes();
    for (int i = 0; i < kTargets; ++i) {
      PageReader& reader = readers.emplace_back();
      for (const int seconds : {60, 70}) (void)reader.Read(MakePage(seconds, i), kText, {});
    }
    bytes = bench::HeapBytes() - before;
  }
  state.counters["bytes_a_series"] = bytes / (kTargets * kPods * kSeries);
}

BENCHMARK(ParseAlone);
BENCHMARK(FirstPage);
BENCHMARK(FollowingPages);
BENCHMARK(PagesThatDiffer);
BENCHMARK(Memory)->Iterations(1);

}  // namespace
}  // namespace cloudmon::scrape
