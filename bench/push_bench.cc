// SPDX-License-Identifier: Apache-2.0
// The document that the exporter pushes, of 500 pods with values of their own: built, and compressed.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "common/http/gzip.h"
#include "exporter/push/document.h"

namespace {

using namespace cloudmon;

constexpr int kPods = 500;

std::uint64_t Next(std::uint64_t below) {
  static std::uint64_t state = 1;
  state = state * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
  return (state >> 20U) % below;
}

const NodeSnapshot& Snapshot() {
  static const NodeSnapshot snapshot = [] {
    NodeSnapshot out;
    out.info.node = "node-a";
    for (int i = 0; i < kPods; ++i) {
      NamedPod pod;
      pod.namespace_name = "shop";
      pod.deployment = "web";
      pod.name = "web-7d9c6b8f5-" + std::to_string(Next(100'000));
      pod.cgroup.uid =
          std::to_string(Next(1'000'000'000'000'000'000)) + std::to_string(Next(1'000'000'000'000'000'000));
      cgroup::Usage& usage = pod.cgroup.usage;
      usage.cpu.usage_ns = Next(10'000'000'000'000);
      usage.memory.usage_bytes = Next(1U << 30U);
      usage.memory.working_set_bytes = Next(1U << 30U);
      usage.io.resize(1);
      usage.io[0].read_bytes = Next(1U << 30U);
      usage.io[0].write_bytes = Next(1U << 30U);
      pod.network = {{.name = "eth0", .receive_bytes = Next(1U << 30U), .transmit_bytes = Next(1U << 30U)}};
      pod.containers.resize(1);
      pod.containers[0].cgroup.usage.start_time_seconds = 1'795'000'000 + static_cast<double>(Next(1'000'000)) / 100;
      out.pods.push_back(std::move(pod));
    }
    return out;
  }();
  return snapshot;
}

void BM_Build(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : state) bytes = push::BuildDocument(Snapshot(), 1'795'369'213'250).size();
  state.counters["bytes/pod"] = static_cast<double>(bytes) / kPods;
}
BENCHMARK(BM_Build)->Name("document/build")->Unit(benchmark::kMicrosecond);

void BM_Compress(benchmark::State& state) {
  const std::string document = push::BuildDocument(Snapshot(), 1'795'369'213'250);
  std::size_t bytes = 0;
  for (auto _ : state) bytes = http::Gzip(document).size();
  state.counters["bytes/pod"] = static_cast<double>(bytes) / kPods;
}
BENCHMARK(BM_Compress)->Name("document/compress")->Unit(benchmark::kMicrosecond);

}  // namespace
