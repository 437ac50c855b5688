// SPDX-License-Identifier: Apache-2.0
// A bucket of 10,000 pods as remote_write requests: samples (items) a second, bytes of a sample before and after
// snappy.
#include <benchmark/benchmark.h>
#include <snappy.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "aggregator/remote_write/bucket_encoder.h"

namespace cloudmon::remote_write {
namespace {

constexpr std::int64_t kTime = 1'795'369'210, kInterval = 10;

// Each pod with all that a pod has, in this bucket and the one before.
Window MakeWindow(int pods) {
  std::mt19937_64 random(7);
  Window window{kTime, kTime + kInterval, {}};
  for (int i = 0; i < pods; ++i) {
    const std::string deployment = "service-" + std::to_string(i / 20);
    const std::string pod = deployment + "-7d9c6b8f5-" + std::to_string(10'000 + random() % 89'999);
    const series::Member member{series::Kind::kPod, "node-" + std::to_string(i / 100), "team-" + std::to_string(i % 20),
                                deployment, pod};
    store::SeriesSlice slice{std::make_shared<series::Member>(member), {kTime - kInterval, kTime}, {}};
    for (std::size_t n = 0; n < slice.times_seconds.size(); ++n) {
      series::Point& point = slice.points.emplace_back();
      for (const series::MetricField& field : series::kMetricFields) {
        if (field.field != series::Field::kPods) point.Set(field.field, static_cast<std::int64_t>(random() >> 28U));
      }
    }
    window.slices.push_back(std::move(slice));
  }
  return window;
}

void BM_EncodeBucket(benchmark::State& state) {
  const Window window = MakeWindow(static_cast<int>(state.range(0)));
  const Labels external = {{"cluster", "eu-1"}, {"replica", "a"}};
  std::size_t samples = 0, sent_bytes = 0, bytes = 0, requests = 0;
  for (auto _ : state) {
    BucketEncoder encoder(window, {kTime, true}, kInterval, external, 10'000);
    while (const auto request = encoder.Next()) {
      samples += request->samples;
      sent_bytes += request->body.size();
      std::size_t unpacked = 0;
      snappy::GetUncompressedLength(request->body.data(), request->body.size(), &unpacked);
      bytes += unpacked;
      ++requests;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(samples));
  state.counters["bytes_a_sample"] = static_cast<double>(bytes) / static_cast<double>(samples);
  state.counters["packed_bytes_a_sample"] = static_cast<double>(sent_bytes) / static_cast<double>(samples);
  state.counters["requests"] = static_cast<double>(requests) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_EncodeBucket)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cloudmon::remote_write
