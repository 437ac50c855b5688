// SPDX-License-Identifier: Apache-2.0
// Random clusters: pods come, go, restart and are created anew, scrapes are missed or come late, the aggregator
// restarts. What the bucketer says equals a simple model, and totals of rollups never fall.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;

namespace {

constexpr std::int64_t kStart = 1'000'000;
constexpr int kNodes = 4, kNames = 12;

// What really runs. Pod p is in namespace p % 3 and, when p is even, in deployment p % 4 of it.
struct Pod {
  bool running = false;
  int uid = 0;
  double start = 0;
  std::uint64_t cpu = 0;
  std::shared_ptr<const PodKey> key;
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}
  bool Chance(int percent) { return std::uniform_int_distribution<>(0, 99)(random_) < percent; }
  std::int64_t Upto(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random_); }

  void Live(std::int64_t now) {
    for (auto& node : pods_) {
      for (int p = 0; p < kNames; ++p) {
        Pod& pod = node[static_cast<std::size_t>(p)];
        if (Chance(pod.running ? 3 : 15)) Toggle(pod, p, now);
        if (pod.running && Chance(2)) pod.cpu = 0;  // a reset
        if (pod.running) pod.cpu += static_cast<std::uint64_t>(Upto(9'000'000));
      }
    }
  }

  TargetReading Scrape(int node) {
    std::vector<PodReading> readings;
    for (const Pod& pod : pods_[static_cast<std::size_t>(node)]) {
      if (pod.running && !Chance(2)) readings.push_back(PodOf(pod.key, CpuUsage(pod.cpu, pod.cpu % 1000), pod.start));
    }
    return Page(std::move(readings));
  }

 private:
  void Toggle(Pod& pod, int p, std::int64_t now) {
    pod.running = !pod.running;
    if (!pod.running) return;
    const std::string ns = "ns" + std::to_string(p % 3);
    const std::string deployment = p % 2 == 0 ? "d" + std::to_string(p % 4) : "";
    ++pod.uid;
    pod.cpu = 0;
    pod.start = static_cast<double>(now - Upto(9));
    pod.key = Key(ns, "p" + std::to_string(p), deployment, "u" + std::to_string(pod.uid));
  }

  std::mt19937 random_;
  std::array<std::array<Pod, kNames>, kNodes> pods_;
};

// The model: straight from the rules, one counter, no cleverness.
class Model {
 public:
  struct Seen {
    std::uint64_t cpu;
    std::string uid;
    std::int64_t at_ms, bucket;
  };
  struct Row {
    std::string pod, ns, deployment;
    std::int64_t memory, increase;
    std::optional<std::int64_t> total, millicores;
  };

  void Add(int node, std::int64_t bucket, std::int64_t at_ms, const TargetReading& page) {
    const bool in_order = at_ms > last_scrape_[node];
    for (const PodReading& reading : page.pods) {
      Row row{std::string(reading.key->pod),
              std::string(reading.key->ns),
              std::string(reading.key->deployment),
              static_cast<std::int64_t>(*reading.usage.memory_bytes),
              0,
              {},
              {}};
      if (in_order) Count(node, bucket, at_ms, reading, row);
      open_[bucket].push_back(row);
    }
    if (in_order) last_scrape_[node] = at_ms;
  }

  // Values of all groups: name -> {pods, memory, millicores, total}.
  using Sums =
      std::map<std::string,
               std::tuple<std::int64_t, std::int64_t, std::optional<std::int64_t>, std::optional<std::int64_t>>>;
  Sums Seal(std::int64_t bucket) {
    Sums sums;
    for (const Row& row : open_[bucket]) {
      for (const std::string name : {"cluster", row.ns.c_str(), row.deployment.c_str()}) {
        if (name.empty()) continue;
        const std::string group = name == row.deployment ? row.ns + "/" + name : name;
        auto& [pods, memory, millicores, total] = sums[group];
        ++pods;
        memory += row.memory;
        if (row.millicores) millicores = millicores.value_or(0) + *row.millicores;
        if (row.total) total = totals_[group] += row.increase;
      }
    }
    open_.erase(bucket);
    return sums;
  }

 private:
  void Count(int node, std::int64_t bucket, std::int64_t at_ms, const PodReading& reading, Row& row) {
    const std::uint64_t cpu = *reading.usage.cpu_usage_usec;
    const auto start_ms = static_cast<std::int64_t>(*reading.start_time_seconds * 1000);
    const auto key = std::tuple{node, std::string(reading.key->ns), std::string(reading.key->pod)};
    std::optional<Seen> seen;
    if (seen_.contains(key) && bucket - seen_[key].bucket <= 3600) seen = seen_[key];
    std::optional<std::int64_t> gap_ms;
    std::uint64_t increase = 0;
    if (seen && seen->uid == reading.key->uid) {
      increase = cpu >= seen->cpu ? cpu - seen->cpu : cpu;
      gap_ms = at_ms - seen->at_ms;
    } else if (seen || (last_scrape_[node] != 0 && start_ms > last_scrape_[node])) {
      increase = cpu;
      gap_ms = at_ms - std::max(start_ms, seen ? seen->at_ms : 0);
      if (*gap_ms < 1000) gap_ms.reset();
    }
    row.increase = static_cast<std::int64_t>(increase);
    row.total = static_cast<std::int64_t>(cpu);
    if (gap_ms && *gap_ms <= 300'000) {
      row.millicores = std::llround(static_cast<double>(increase) / static_cast<double>(*gap_ms));
    }
    seen_[key] = Seen{cpu, std::string(reading.key->uid), at_ms, std::max(bucket, seen ? seen->bucket : bucket)};
  }

  std::map<int, std::int64_t> last_scrape_;
  std::map<std::tuple<int, std::string, std::string>, Seen> seen_;
  std::map<std::string, std::int64_t> totals_;
  std::map<std::int64_t, std::vector<Row>> open_;
};

Model::Sums SumsOf(const Bucket& bucket) {
  Model::Sums sums;
  for (const Entry& entry : bucket.entries) {
    const Member& m = *entry.member;
    if (m.kind == Kind::kNode || m.kind == Kind::kPod || entry.point.Get(Field::kPods) == 0) continue;
    auto get = [&](Field f) { return entry.point.Has(f) ? std::optional(entry.point.Get(f)) : std::nullopt; };
    const std::string name = m.kind == Kind::kCluster     ? "cluster"
                             : m.kind == Kind::kNamespace ? m.ns
                                                          : m.ns + "/" + m.deployment;
    sums[name] = {entry.point.Get(Field::kPods), entry.point.Get(Field::kMemoryBytes), get(Field::kCpuMillicores),
                  get(Field::kCpuUsageUsec)};
  }
  return sums;
}

// The same page from a source that has only containers.
void AsContainers(TargetReading& page) {
  for (PodReading& pod : page.pods) {
    const std::uint64_t cpu = *pod.usage.cpu_usage_usec;
    pod.containers = {{"app", CpuUsage(cpu / 3)}, {"proxy", CpuUsage(cpu - cpu / 3)}};
    if (cpu % 7 == 0) pod.containers.pop_back();
    pod.usage = {};
  }
}

// Scrapes arrive a bucket late, twice late, or never; now and then nothing at all does for a long time.
template <class Add, class Seal>
void Simulate(World& world, int rounds, Add add, Seal seal) {
  struct Late {
    int node;
    std::int64_t bucket, at_ms, due;
    TargetReading page;
  };
  std::vector<Late> late;
  std::int64_t now = kStart, next = kStart;
  for (int round = 0; round < rounds; ++round, now += 10) {
    if (world.Chance(1)) {
      now += 10 * world.Upto(world.Chance(20) ? 500 : 50);
      late.clear();  // they have timed out
    }
    world.Live(now);
    for (int node = 0; node < kNodes; ++node) {
      if (world.Chance(5)) continue;
      const std::int64_t at_ms = now * 1000 + node * 2000 + world.Upto(1500);
      TargetReading page = world.Scrape(node);
      if (world.Chance(10)) {
        late.push_back({node, now, at_ms, now + 10 * world.Upto(2), std::move(page)});
      } else {
        add(node, now, at_ms, page);
      }
    }
    std::erase_if(late, [&](const Late& item) {
      if (item.due > now) return false;
      add(item.node, item.bucket, item.at_ms, item.page);
      return true;
    });
    for (; next <= now - 20; next += 10) seal(next);  // two intervals of grace; what is later yet is ignored
  }
}

}  // namespace

TEST_CASE("Rollups equal the model") {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    World world(seed);
    Bucketer bucketer(10);
    Model model;
    std::int64_t sealed = 0;
    std::map<std::string, std::int64_t> last_totals;
    std::size_t compared = 0;
    Simulate(
        world, 400,
        [&](int node, std::int64_t bucket, std::int64_t at_ms, const TargetReading& page) {
          bucketer.Add("node" + std::to_string(node), bucket, at_ms, page);
          if (bucket > sealed) model.Add(node, bucket, at_ms, page);
        },
        [&](std::int64_t bucket) {
          const Model::Sums got = SumsOf(bucketer.Seal(bucket, 0));
          REQUIRE((got == model.Seal(bucket)));
          sealed = bucket;
          compared += got.size();
          for (const auto& [name, sums] : got) {
            if (!std::get<3>(sums)) continue;
            REQUIRE(*std::get<3>(sums) >= last_totals[name]);
            last_totals[name] = *std::get<3>(sums);
          }
        });
    CHECK(compared > 1000);
  }
}

TEST_CASE("Totals of rollups never fall over restarts of the aggregator") {
  for (unsigned seed = 100; seed <= 106; ++seed) {
    CAPTURE(seed);
    World world(seed);
    auto bucketer = std::make_unique<Bucketer>(10);
    std::map<Member, std::pair<std::int64_t, Entry>> last;
    Simulate(
        world, 300,
        [&](int node, std::int64_t bucket, std::int64_t at_ms, TargetReading page) {
          if (node % 2 == 0) AsContainers(page);
          page.node_reading.usage.cpu_usage_usec = static_cast<std::uint64_t>(world.Upto(1000));  // reboots often
          bucketer->Add("node" + std::to_string(node), bucket, at_ms, page);
        },
        [&](std::int64_t bucket_seconds) {
          const Bucket bucket = bucketer->Seal(bucket_seconds, 0);
          for (const Entry& entry : bucket.entries) {
            Entry& before = last[*entry.member].second;
            const bool sum = entry.member->kind != Kind::kPod && entry.point.Has(Field::kCpuUsageUsec);
            if (sum) REQUIRE(entry.point.Get(Field::kCpuUsageUsec) >= before.point.Get(Field::kCpuUsageUsec));
            const bool worse = !entry.point.Has(Field::kCpuUsageUsec) && before.point.Has(Field::kCpuUsageUsec);
            if (!worse) last[*entry.member] = {bucket_seconds, entry};
          }
          if (!world.Chance(5)) return;
          std::vector<std::pair<std::int64_t, Entry>> entries;
          for (const auto& [member, item] : last) entries.push_back(item);
          bucketer = std::make_unique<Bucketer>(10);
          bucketer->Restore(entries);
        });
  }
}
