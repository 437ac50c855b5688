// SPDX-License-Identifier: Apache-2.0
// Cost of a bucket of 100 nodes with 100 pods each, for each of the 120,000 samples behind it: taking the readings in
// and sealing. And what is remembered, in bytes for each scraped series.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <vector>

#include "aggregator/scrape/page_reader.h"
#include "aggregator/series/bucketer.h"
#include "bench/heap_bytes.h"
#include "bench/synthetic_node.h"

namespace cloudmon::series {
namespace {

constexpr int kNodes = 100, kPods = 100, kSamples = kNodes * kPods * 12;

// What two scrapes of each node say.
class Readings {
 public:
  Readings() {
    for (int node = 0; node < kNodes; ++node) {
      bench::SyntheticNode synthetic(node, kNodes, kPods, 42);
      scrape::PageReader& reader = readers_.emplace_back();
      for (int i = 0; i < 2; ++i) {
        const std::string page = synthetic.Page(60 + 10 * i);
        of_[i].push_back(reader.Read(page, exposition::Format::kText, {}).reading);
      }
    }
  }
  void AddAll(Bucketer& bucketer, std::int64_t round) const {
    const std::int64_t bucket = round * 10;
    for (const TargetReading& reading : of_[round % 2]) {
      bucketer.Add(reading.node, bucket, bucket * 1000 + 5000, reading);
    }
  }

 private:
  std::deque<scrape::PageReader> readers_;
  std::vector<TargetReading> of_[2];
};

void AddAndSeal(benchmark::State& state) {
  const Readings readings;
  Bucketer bucketer(10);
  std::int64_t round = 0;
  for (auto _ : state) {
    readings.AddAll(bucketer, ++round);
    benchmark::DoNotOptimize(bucketer.Seal(round * 10, 0));
  }
  state.counters["per_sample"] =
      benchmark::Counter(kSamples, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Memory(benchmark::State& state) {
  const Readings readings;
  Bucketer bucketer(10);
  for (auto _ : state) {
    const double before = bench::HeapBytes();
    readings.AddAll(bucketer, 1);
    (void)bucketer.Seal(10, 0);
    const double sealed = bench::HeapBytes();
    readings.AddAll(bucketer, 2);
    state.counters["bytes_a_series"] = (sealed - before) / kSamples;
    state.counters["open_bucket"] = (bench::HeapBytes() - sealed) / kSamples;
    Bucket bucket = bucketer.Seal(20, 0);
    state.counters["sealed_bucket"] = (bench::HeapBytes() - sealed) / kSamples;
  }
}

BENCHMARK(AddAndSeal)->Unit(benchmark::kMillisecond);
BENCHMARK(Memory)->Iterations(1);

}  // namespace
}  // namespace cloudmon::series
