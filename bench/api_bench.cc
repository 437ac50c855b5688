// SPDX-License-Identifier: Apache-2.0
// Answers of the API, over a store in memory: from the request's parameters to the JSON text.
//   Answer/...             the whole handler
//   Select, Order, Write   its parts, for 10,000 pods with all fields: a copy out of the store, members in order of
//                          name, entries as JSON
//   Http                   one client on a kept connection asks for the memory of 10,000 pods
// `bytes` is the answer's size, `x_memcpy` how many times as much CPU time as copying those bytes it takes.
#include <benchmark/benchmark.h>
#include <curl/curl.h>

#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "aggregator/api/json_writer.h"
#include "aggregator/api/query.h"
#include "aggregator/api/select.h"
#include "aggregator/api/series_handler.h"
#include "common/http/server.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"

namespace {

using namespace cloudmon;

constexpr std::int64_t kFirst = 1'795'369'200;

series::Point SomePoint(std::int64_t seed) {
  series::Point point;
  for (const auto& info : series::kFields) {
    if (info.field < series::Field::kPods) point.Set(info.field, (seed * 7919 + 13) % 900'000'000);
  }
  return point;
}

// Pods of 500 deployments in 50 namespaces on 100 nodes, named as Kubernetes does.
void Fill(test::FakeStore& store, std::int64_t pods, std::int64_t buckets) {
  std::vector<series::MemberPtr> members;
  for (std::int64_t i = 0; i < pods; ++i) {
    const std::string deployment = "service-" + std::to_string(i % 500);
    members.push_back(std::make_shared<const series::Member>(
        series::Member{series::Kind::kPod, "node-" + std::to_string(i % 100), "team-" + std::to_string(i % 50),
                       deployment, deployment + "-7d9c6b8f5-" + std::to_string(10'000 + i * 7919 % 89'999)}));
  }
  for (std::int64_t b = 0; b < buckets; ++b) {
    series::Bucket bucket{kFirst + 10 * b, {}};
    for (std::int64_t i = 0; i < pods; ++i) {
      bucket.entries.push_back({members[static_cast<std::size_t>(i)], SomePoint(i + b)});
    }
    store.Append(std::move(bucket));
  }
}

const test::FakeStore& NewestStore() {
  static const test::FakeStore store = [] {
    test::FakeStore filled;
    Fill(filled, 10'000, 1);
    return filled;
  }();
  return store;
}

const test::FakeStore& HistoryStore() {
  static const test::FakeStore store = [] {
    test::FakeStore filled;
    Fill(filled, 500, 120);
    return filled;
  }();
  return store;
}

// Of this process alone: other work on the machine does not count.
double CpuNs() {
  return static_cast<double>(std::clock()) * 1e9 / CLOCKS_PER_SEC;
}

double MemcpyNs(const std::string& body) {
  std::string copy(body.size(), '\0');
  const std::size_t repeats = 1 + (256U << 20U) / body.size();
  const double start = CpuNs();
  for (std::size_t i = 0; i < repeats; ++i) {
    std::memcpy(copy.data(), body.data(), body.size());
    benchmark::DoNotOptimize(copy.data());
    benchmark::ClobberMemory();
  }
  return (CpuNs() - start) / static_cast<double>(repeats);
}

// `run` gives the answer.
template <class Run>
void Measure(benchmark::State& state, Run run) {
  const std::string body = run();
  const double start = CpuNs();
  for (auto _ : state) benchmark::DoNotOptimize(run());
  const double took = CpuNs() - start;
  state.counters["bytes"] = static_cast<double>(body.size());
  state.counters["x_memcpy"] = took / static_cast<double>(state.iterations()) / MemcpyNs(body);
}

void BM_Answer(benchmark::State& state, const test::FakeStore& store, const char* query, http::Request request) {
  const test::FakeClock clock{(*store.NewestBucket() + 13) * 1000};
  const api::ApiDeps deps{store, clock, {}, {}, {}, {}, {}};
  request.query = query;
  Measure(state, [&] {
    http::Response response = api::HandleSeries(deps, series::Kind::kPod, request);
    if (response.status != 200) state.SkipWithError(response.body.c_str());
    return std::move(response.body);
  });
}

http::Request OnePod() {
  http::Request request;
  request.path_params = {{"namespace", "team-7"}, {"pod", "service-7-7d9c6b8f5-65433"}};
  return request;
}

BENCHMARK_CAPTURE(BM_Answer, 10k_pods_all_fields, NewestStore(), "", {})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Answer, 10k_pods_memory, NewestStore(), "fields=memory_bytes", {})->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Answer, 10k_pods_top_10, NewestStore(), "sort=-cpu_millicores&limit=10", {})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Answer, 1_pod_120_buckets, HistoryStore(), "window=20m&fields=memory_bytes", OnePod())
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Answer, 500_members_120_buckets, HistoryStore(), "window=20m&fields=memory_bytes", {})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Answer, 500_members_120_buckets_step_1m, HistoryStore(), "window=20m&step=1m", {})
    ->Unit(benchmark::kMicrosecond);

std::vector<store::SeriesSlice> NewestSlices() {
  return NewestStore().Select({}, kFirst, kFirst + 10, series::kAllFields, 100'000).value();
}

void BM_Select(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(NewestSlices());
}
BENCHMARK(BM_Select)->Unit(benchmark::kMicrosecond);

void BM_Order(benchmark::State& state) {
  const auto slices = NewestSlices();
  for (auto _ : state) benchmark::DoNotOptimize(api::OrderMembers(slices, {}, 100'000));
}
BENCHMARK(BM_Order)->Unit(benchmark::kMicrosecond);

void BM_Write(benchmark::State& state) {
  const auto slices = NewestSlices();
  const auto members = api::OrderMembers(slices, {}, 100'000);
  const std::vector<series::FieldInfo> fields(series::kFields.begin(), series::kFields.end());
  Measure(state, [&] { return api::WriteEntries(members, fields, {}); });
}
BENCHMARK(BM_Write)->Unit(benchmark::kMicrosecond);

std::size_t CountBytes(char* /*data*/, std::size_t size, std::size_t count, void* bytes) {
  *static_cast<std::size_t*>(bytes) += size * count;
  return size * count;
}

void BM_Http(benchmark::State& state) {
  const test::FakeClock clock{(kFirst + 13) * 1000};
  const api::ApiDeps deps{NewestStore(), clock, {}, {}, {}, {}, {}};
  const auto server = http::Server::Start({.listen_address = "127.0.0.1:0"}, api::BuildRouter(deps));
  if (!server.ok()) return state.SkipWithError(server.error().message.c_str());
  const std::string url =
      "http://127.0.0.1:" + std::to_string(server.value()->port()) + "/api/pods?fields=memory_bytes";
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
  std::size_t bytes = 0;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &CountBytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &bytes);
  for (auto _ : state) {
    if (curl_easy_perform(curl.get()) != CURLE_OK) return state.SkipWithError("the request failed");
  }
  state.counters["bytes"] = static_cast<double>(bytes) / static_cast<double>(state.iterations());
}
BENCHMARK(BM_Http)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
