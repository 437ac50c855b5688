// SPDX-License-Identifier: Apache-2.0
#include "bench/codec_bench_series.h"

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "aggregator/series/bucketer.h"

namespace cloudmon::bench {
namespace {

using series::Kind;

constexpr std::int64_t kStart = 1'795'000'200, kWidthSeconds = 10;
constexpr int kPodsOfNode = 100, kNamespaces = 20, kDeployments = 50;
constexpr std::uint64_t kPage = 4096;

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  double Uniform() { return static_cast<double>(bits_() >> 11U) * 0x1p-53; }
  bool OneIn(double times) { return Uniform() * times < 1; }
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }
  // About `typical`, up to several times more or less with a wide `spread`.
  std::uint64_t About(double typical, double spread) {
    return static_cast<std::uint64_t>(typical * std::exp(spread * Normal()));
  }

 private:
  std::mt19937_64 bits_;
};

// What a pod does in ten seconds.
class PodLife {
 public:
  PodLife(int number, Random& random) : kind_(number % 6) {
    cpu_usec_ = (kind_ < 2 ? 15'000 : 800'000) * std::exp(0.8 * random.Normal());
    network_ = (kind_ < 2 ? 900 : 200'000) * std::exp(1.2 * random.Normal());
    disk_ = kind_ == 5 ? 60 : kind_ == 4 ? 8 : 0.4;
    series::Usage& usage = reading_.usage;
    usage.memory_bytes = kPage * random.About(30'000, 0.8);
    cache_pages_ = *usage.memory_bytes / kPage / 4;
    const double age = random.Uniform() * 100'000;
    usage.cpu_usage_usec = static_cast<std::uint64_t>(age * cpu_usec_);
    usage.network_rx_bytes = static_cast<std::uint64_t>(age * network_);
    usage.network_tx_bytes = static_cast<std::uint64_t>(age * network_ / 2);
    usage.disk_read_bytes = kPage * random.About(5'000, 1);
    usage.disk_write_bytes = kPage * static_cast<std::uint64_t>(age * disk_);
    Measure();
    const int deployment = number % kDeployments;
    reading_.key = std::make_shared<const series::PodKey>(
        series::PodKey{"namespace-" + std::to_string(deployment % kNamespaces), "pod-" + std::to_string(number),
                       "deployment-" + std::to_string(deployment), "uid-" + std::to_string(number)});
  }

  void Step(Random& random) {
    if (random.OneIn(4'000)) Restart();
    if (random.OneIn(busy_ ? 6 : 25)) busy_ = kind_ == 5 && !busy_;
    const double load = kind_ < 5 ? 1 : busy_ ? 8 : 0.05;
    const double spread = kind_ < 2 ? 0.15 : kind_ < 5 ? 0.25 : 0.6;
    series::Usage& usage = reading_.usage;
    *usage.cpu_usage_usec += random.About(cpu_usec_ * load, spread);
    // An idle pod is probed every other time, with requests of the same size.
    const bool quiet = kind_ < 2 && random.OneIn(2);
    if (!quiet) *usage.network_rx_bytes += Traffic(network_ * load, spread, random);
    if (!quiet) *usage.network_tx_bytes += Traffic(network_ * load / 2, spread, random);
    if (random.OneIn(kind_ < 2 ? 60 : 3)) *usage.disk_write_bytes += kPage * (1 + random.About(disk_ * load, spread));
    if (random.OneIn(200)) *usage.disk_read_bytes += kPage * random.About(40, 1);
    StepMemory(random, load);
    Measure();
  }
  [[nodiscard]] const series::PodReading& reading() const { return reading_; }

 private:
  [[nodiscard]] std::uint64_t Traffic(double bytes, double spread, Random& random) const {
    return kind_ < 2 ? static_cast<std::uint64_t>(bytes) : random.About(bytes, spread);
  }
  void StepMemory(Random& random, double load) {
    if (random.OneIn(kind_ < 2 ? 20 : 1.5)) {
      const std::uint64_t pages = random.About(4 * std::sqrt(load) * (kind_ < 2 ? 1 : 8), 1);
      std::uint64_t& bytes = *reading_.usage.memory_bytes;
      const bool grows = random.OneIn(2) || bytes < kPage * (pages + cache_pages_ + 1000);
      bytes = grows ? bytes + kPage * pages : bytes - kPage * pages;
    }
    if (random.OneIn(15)) cache_pages_ = random.About(static_cast<double>(cache_pages_) + 1, 0.02);
  }
  void Measure() {
    series::Usage& usage = reading_.usage;
    const std::uint64_t cache = kPage * cache_pages_;
    usage.memory_working_set_bytes = *usage.memory_bytes > cache ? *usage.memory_bytes - cache : kPage;
  }
  void Restart() {
    series::Usage& usage = reading_.usage;
    usage.cpu_usage_usec = usage.network_rx_bytes = usage.network_tx_bytes = 0;
    usage.disk_read_bytes = usage.disk_write_bytes = 0;
    usage.memory_bytes = kPage * 9'000;
    cache_pages_ = 500;
  }

  int kind_;  // 0 and 1 idle, 2 to 4 steady, 5 in bursts
  bool busy_ = false;
  double cpu_usec_ = 0, network_ = 0, disk_ = 0;  // in ten seconds
  std::uint64_t cache_pages_ = 0;
  series::PodReading reading_;
};

struct Rows {
  std::vector<std::uint16_t> at;
  std::vector<series::Point> points;
};

series::TargetReading ReadNode(std::vector<PodLife>& lives, int node, Random& random) {
  series::TargetReading page;
  series::Usage& sum = page.node_reading.usage;
  sum = {0, 0, 0, 0, 0, 0, 0};
  page.node_reading.cpu_capacity_millicores = 16'000;
  page.node_reading.memory_capacity_bytes = std::uint64_t{64} << 30U;
  const auto begin = static_cast<std::size_t>(node * kPodsOfNode);
  for (std::size_t i = begin; i < std::min(begin + kPodsOfNode, lives.size()); ++i) {
    lives[i].Step(random);
    page.pods.push_back(lives[i].reading());
    const series::Usage& pod = lives[i].reading().usage;
    *sum.cpu_usage_usec += *pod.cpu_usage_usec;
    *sum.memory_bytes += *pod.memory_bytes;
    *sum.memory_working_set_bytes += *pod.memory_working_set_bytes;
    *sum.disk_read_bytes += *pod.disk_read_bytes;
    *sum.disk_write_bytes += *pod.disk_write_bytes;
    *sum.network_rx_bytes += *pod.network_rx_bytes;
    *sum.network_tx_bytes += *pod.network_tx_bytes;
  }
  return page;
}

}  // namespace

std::map<Kind, std::vector<store::SeriesChunk>> MakeHour(int pods, int buckets) {
  Random random(42);
  std::vector<PodLife> lives;
  for (int i = 0; i < pods; ++i) lives.emplace_back(i, random);
  const int nodes = (pods + kPodsOfNode - 1) / kPodsOfNode;
  series::Bucketer bucketer(kWidthSeconds);
  std::map<series::Member, Rows> members;
  // The bucket before the first gives the first its rates.
  for (int bucket = -1; bucket < buckets; ++bucket) {
    const std::int64_t time = kStart + bucket * kWidthSeconds;
    std::size_t missing = 0;
    for (int node = 0; node < nodes; ++node) {
      const series::TargetReading page = ReadNode(lives, node, random);
      const std::int64_t at_ms = time * 1000 + node * 97 % 5'000 + static_cast<std::int64_t>(3 * random.Normal());
      if (random.OneIn(400)) {
        ++missing;
      } else {
        bucketer.Add("node-" + std::to_string(node), time, at_ms, page);
      }
    }
    for (const series::Entry& entry : bucketer.Seal(time, missing).entries) {
      if (bucket < 0) continue;
      Rows& rows = members[*entry.member];
      rows.at.push_back(static_cast<std::uint16_t>(bucket));
      rows.points.push_back(entry.point);
    }
  }
  std::map<Kind, std::vector<store::SeriesChunk>> out;
  for (const auto& [member, rows] : members) {
    out[member.kind].push_back(store::BuildChunk(static_cast<std::uint32_t>(buckets), rows.at, rows.points));
  }
  return out;
}

}  // namespace cloudmon::bench
