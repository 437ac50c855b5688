// SPDX-License-Identifier: Apache-2.0
// Reading a pushed document of 250 pods: documents (items) and bytes a second.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>

#include "aggregator/ingest/document.h"

namespace cloudmon::ingest {
namespace {

std::string Values(int seed) {
  std::string text;
  std::uint64_t value = 1'000'003;
  for (const char* name : {"cpu_usage_usec", "memory_bytes", "memory_working_set_bytes", "disk_read_bytes",
                           "disk_write_bytes", "network_rx_bytes", "network_tx_bytes"}) {
    value += static_cast<std::uint64_t>(seed) * 7919 + value / 3;
    text += std::string(", \"") + name + "\": " + std::to_string(value);
  }
  return text;
}

std::string MakeDocument(int pods) {
  std::string text = R"({"timestamp": 1795369213.25, "node": "node-a", "node_data": {"cpu_millicores": 812)" +
                     Values(99) + "}, \"pods\": [";
  for (int i = 0; i < pods; ++i) {
    const std::string deployment = "service-" + std::to_string(i % 40);
    text += std::string(i == 0 ? "" : ", ") + "{\"pod\": \"" + deployment + "-7d9c6b8f5-" +
            std::to_string(10'000 + i * 7919 % 89'999) + "\", \"namespace\": \"team-" + std::to_string(i % 10) +
            "\", \"deployment\": \"" + deployment + "\"" + Values(i) +
            ", \"io_stats\": {\"8:0_rbytes\": " + std::to_string(i) + ", \"8:0_wbytes\": 81920}}";
  }
  return text + "], \"namespaces\": [], \"deployments\": []}";
}

void BM_ParseDocument(benchmark::State& state) {
  const std::string body = MakeDocument(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    auto document = ParseDocument(body);
    if (!document.ok()) return state.SkipWithError(document.error().message.c_str());
    benchmark::DoNotOptimize(document);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
  state.counters["document_bytes"] = static_cast<double>(body.size());
}
BENCHMARK(BM_ParseDocument)->Arg(250)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace cloudmon::ingest
