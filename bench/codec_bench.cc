// SPDX-License-Identifier: Apache-2.0
// The chunk codec with 1,000 pods and their rollups over an hour of 10 s buckets: bytes and time for each value, beside
// what zlib and lzma make of the same columns as differences in variable-length numbers.
#include <benchmark/benchmark.h>
#include <zlib.h>

#include <cstdio>
#include <string>
#include <vector>

#include "aggregator/store/chunk_bits.h"
#include "bench/codec_bench_series.h"
#ifdef CM_HAS_LZMA
#include <lzma.h>
#endif

namespace {

using namespace cloudmon;
using series::Field;
using series::Kind;

constexpr int kPods = 1'000, kPart = 60, kChunk = 360;

struct Cluster {
  std::map<Kind, std::vector<store::SeriesChunk>> chunks;
  std::map<Kind, std::vector<std::string>> blobs;
  explicit Cluster(int buckets) : chunks(bench::MakeHour(kPods, buckets)) {
    for (const auto& [kind, all] : chunks) {
      for (const store::SeriesChunk& chunk : all) blobs[kind].push_back(store::EncodeChunk(chunk).value());
    }
  }
};
// In chunks of `buckets`, kPart or kChunk.
const Cluster& TheCluster(std::int64_t buckets) {
  static const Cluster parts(kPart);
  static const Cluster chunks(kChunk);
  return buckets == kPart ? parts : chunks;
}

std::size_t ValuesOf(const store::SeriesChunk& chunk) {
  std::size_t values = 0;
  for (const store::ChunkColumn& column : chunk.columns) {
    for (std::size_t row = 0; row < column.values.size(); ++row) values += column.Has(row) ? 1 : 0;
  }
  return values;
}

std::string Differences(const store::SeriesChunk& chunk) {
  std::string out;
  for (const store::ChunkColumn& column : chunk.columns) {
    std::uint64_t last = 0;
    for (const std::int64_t value : column.values) {
      store::AppendVarint(out, store::ZigZag(static_cast<std::uint64_t>(value) - last));
      last = static_cast<std::uint64_t>(value);
    }
  }
  return out;
}

std::size_t ZlibBytes(const std::string& text) {
  uLongf size = ::compressBound(text.size());
  std::string out(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(), 9);
  return size;
}

std::size_t LzmaBytes([[maybe_unused]] const std::string& text) {
#ifdef CM_HAS_LZMA
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 6);
  const std::array<lzma_filter, 2> filters{{{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}}};
  std::string out(text.size() + 1024, '\0');
  std::size_t size = 0;
  lzma_raw_buffer_encode(filters.data(), nullptr, reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                         reinterpret_cast<std::uint8_t*>(out.data()), &size, out.size());
  return size;
#else
  return 0;
#endif
}

void PrintSizes() {
  std::printf("%-12s %8s %10s %16s %14s %14s\n", "bytes/value", "series", "values", "chunk codec", "varint+zlib",
              "varint+lzma");
  for (const auto& [kind, chunks] : TheCluster(kChunk).chunks) {
    double values = 0;
    double codec = 0;
    double zlib = 0;
    double lzma = 0;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      const std::string differences = Differences(chunks[i]);
      values += static_cast<double>(ValuesOf(chunks[i]));
      codec += static_cast<double>(TheCluster(kChunk).blobs.at(kind)[i].size());
      zlib += static_cast<double>(ZlibBytes(differences));
      lzma += static_cast<double>(LzmaBytes(differences));
    }
    std::printf("%-12s %8zu %10.0f %16.3f %14.3f %14.3f\n", std::string(series::KindName(kind)).c_str(), chunks.size(),
                values, codec / values, zlib / values, lzma / values);
  }
}

void PrintLengths() {
  for (const int buckets : {30, kPart, 120, 180, kChunk}) {
    std::printf("chunks of %3d buckets:", buckets);
    for (const auto& [kind, chunks] : bench::MakeHour(kPods, buckets)) {
      double bytes = 0;
      double values = 0;
      for (const store::SeriesChunk& chunk : chunks) {
        bytes += static_cast<double>(store::EncodeChunk(chunk).value().size());
        values += static_cast<double>(ValuesOf(chunk));
      }
      std::printf("  %s %.3f", std::string(series::KindName(kind)).c_str(), bytes / values);
    }
    std::printf(" bytes/value\n");
  }
}

void CountValues(benchmark::State& state, std::size_t values) {
  state.counters["values/s"] =
      benchmark::Counter(static_cast<double>(values), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["s/value"] = benchmark::Counter(
      static_cast<double>(values), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

std::size_t ValuesOf(const std::vector<store::SeriesChunk>& chunks) {
  std::size_t values = 0;
  for (const store::SeriesChunk& chunk : chunks) values += ValuesOf(chunk);
  return values;
}

// Argument: buckets of a chunk.
void BM_Encode(benchmark::State& state) {
  const auto& chunks = TheCluster(state.range(0)).chunks.at(Kind::kPod);
  for (auto _ : state) {
    for (const store::SeriesChunk& chunk : chunks) benchmark::DoNotOptimize(store::EncodeChunk(chunk));
  }
  CountValues(state, ValuesOf(chunks));
}
BENCHMARK(BM_Encode)->Name("pods/encode")->Unit(benchmark::kMillisecond)->Arg(kPart)->Arg(kChunk);

void Decode(benchmark::State& state, const store::ChunkPart& part) {
  const auto& blobs = TheCluster(state.range(0)).blobs.at(Kind::kPod);
  std::size_t values = 0;
  std::size_t bytes = 0;
  for (const std::string& blob : blobs) {
    bytes += blob.size();
    values += ValuesOf(store::DecodeChunk(blob, part).value());
  }
  for (auto _ : state) {
    for (const std::string& blob : blobs) benchmark::DoNotOptimize(store::DecodeChunk(blob, part));
  }
  CountValues(state, values);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * static_cast<std::int64_t>(state.iterations()));
}
void BM_DecodeAll(benchmark::State& state) {
  Decode(state, {});
}
void BM_DecodeMemory(benchmark::State& state) {
  Decode(state, {.fields = store::MaskOf(Field::kMemoryBytes)});
}
void BM_DecodeRate(benchmark::State& state) {
  Decode(state, {.fields = store::MaskOf(Field::kNetworkRxRate)});
}
void BM_DecodeOneBucket(benchmark::State& state) {
  Decode(state, {.fields = store::MaskOf(Field::kMemoryBytes), .first = 20, .end = 21});
}
BENCHMARK(BM_DecodeAll)->Name("pods/decode/all")->Unit(benchmark::kMillisecond)->Arg(kPart)->Arg(kChunk);
BENCHMARK(BM_DecodeMemory)->Name("pods/decode/memory")->Unit(benchmark::kMillisecond)->Arg(kChunk);
BENCHMARK(BM_DecodeRate)->Name("pods/decode/rate")->Unit(benchmark::kMillisecond)->Arg(kChunk);
BENCHMARK(BM_DecodeOneBucket)->Name("pods/decode/memory_one_bucket")->Unit(benchmark::kMillisecond)->Arg(kChunk);

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  PrintSizes();
  PrintLengths();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
