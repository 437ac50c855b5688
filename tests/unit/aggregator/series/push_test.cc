// SPDX-License-Identifier: Apache-2.0
// Pushed readings: millicores, documents without pods, replacing while the bucket is open, amending when it is sealed.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;

namespace {

constexpr Field kCpu = Field::kCpuUsageUsec;
constexpr Field kMillicores = Field::kCpuMillicores;
constexpr Field kMemory = Field::kMemoryBytes;

using Whole = std::optional<std::uint64_t>;

Usage Given(Whole cpu_usec, Whole millicores, Whole memory = 100) {
  Usage usage;
  usage.cpu_usage_usec = cpu_usec;
  usage.cpu_millicores = millicores;
  usage.memory_bytes = memory;
  return usage;
}

PodReading Web(std::uint64_t cpu_usec, std::uint64_t memory = 100, std::string pod = "web-1") {
  return PodOf(Key("shop", std::move(pod), "web"), CpuUsage(cpu_usec, memory));
}

TargetReading Groups(std::vector<GroupReading> groups) {
  TargetReading reading = Page({});
  reading.groups = std::move(groups);
  return reading;
}

// "ns shop: cpu=5 m=2 mem=100 pods=1" for each entry but the nodes' and the pods', in order of kind and name.
std::string Rollups(const Bucket& bucket) {
  std::vector<std::string> rows;
  for (const Entry& e : bucket.entries) {
    if (e.member->kind == Kind::kPod || e.member->kind == Kind::kNode) continue;
    std::string row = e.member->kind == Kind::kCluster ? "all" : e.member->ns + "/" + e.member->deployment;
    for (const auto& [field, name] : {std::pair{kCpu, " cpu="},
                                      {kMillicores, " m="},
                                      {kMemory, " mem="},
                                      {Field::kPods, " pods="},
                                      {Field::kNodes, " nodes="},
                                      {Field::kNodesMissing, " missing="}}) {
      if (e.point.Has(field)) row += name + std::to_string(e.point.Get(field));
    }
    rows.push_back(row + "\n");
  }
  std::sort(rows.begin(), rows.end());
  std::string out;
  for (const std::string& row : rows) out += row;
  return out;
}

void Amend(Bucketer& bucketer, Bucket& bucket) {
  auto amendments = bucketer.TakeAmendments();
  REQUIRE(amendments.size() == 1);
  REQUIRE(amendments.begin()->first == bucket.time_seconds);
  Apply(amendments.begin()->second, bucket);
}

}  // namespace

TEST_CASE("Millicores that are given") {
  struct Row {
    Usage first, second;
    Whole first_shown, second_shown;
    bool has_total;
  };
  // 10 s lie between the two.
  const Row rows[] = {
      {Given({}, 250), Given({}, 300), 250, 300, false},
      {Given(1000, 250), Given(1000 + 4'000'000, 300), 250, 400, true},  // the total wins where it gives a rate
      {Given(1000, {}), Given(1000 + 4'000'000, {}), {}, 400, true},
      {Given({}, 250), Given(5000, 300), 250, 300, true},
  };
  for (const Row& row : rows) {
    Bucketer bucketer(10);
    auto show = [&](std::int64_t time, const Usage& usage) {
      TargetReading reading = Page({PodOf(Key("shop", "web-1", "web"), usage)});
      reading.node_reading.usage = usage;
      bucketer.Push("a", time, time * 1000 + 1000, reading);
      return bucketer.Seal(time, 0);
    };
    auto check = [](const Bucket& bucket, const Whole& want) {
      const std::optional<std::int64_t> shown = want ? std::optional(static_cast<std::int64_t>(*want)) : std::nullopt;
      for (const auto& [kind, name] : {std::pair{Kind::kPod, "web-1"},
                                       {Kind::kNode, "a"},
                                       {Kind::kNamespace, "shop"},
                                       {Kind::kDeployment, "web"},
                                       {Kind::kCluster, ""}}) {
        CHECK(Value(bucket, kind, name, kMillicores) == shown);
      }
    };
    check(show(1000, row.first), row.first_shown);
    const Bucket second = show(1010, row.second);
    check(second, row.second_shown);
    CHECK(Value(second, Kind::kPod, "web-1", kCpu).has_value() == row.has_total);
  }
}

TEST_CASE("Documents without pods count in namespaces, deployments and the cluster, but not as pods") {
  Bucketer bucketer(10);
  auto push = [&](std::int64_t time, std::uint64_t cpu) {
    bucketer.Push("a", time, time * 1000,
                  Groups({{"shop", "", Given(cpu, {}, 70)},
                          {"shop", "web", Given(cpu / 2, {}, 50)},
                          {"shop", "", Given(cpu, {}, 70)},  // named twice: counted once
                          {"", "web", Given(cpu, {}, 70)}}));
    bucketer.Push("b", time, time * 1000, Page({Web(cpu)}));
  };
  push(1000, 1000);
  CHECK(Rollups(bucketer.Seal(1000, 0)) ==
        "all cpu=0 mem=170 pods=1 nodes=2 missing=0\n"
        "shop/ cpu=0 mem=170 pods=1\n"
        "shop/web cpu=0 mem=150 pods=1\n");
  push(1010, 41'000);
  const Bucket bucket = bucketer.Seal(1010, 0);
  CHECK(Rollups(bucket) ==
        "all cpu=80000 m=8 mem=170 pods=1 nodes=2 missing=0\n"
        "shop/ cpu=80000 m=8 mem=170 pods=1\n"
        "shop/web cpu=60000 m=6 mem=150 pods=1\n");
  CHECK(Value(bucket, Kind::kNode, "a", Field::kPods) == 0);
}

TEST_CASE("Of a node's documents for an open bucket only the last leaves a trace") {
  auto play = [](bool with_replaced) {
    Bucketer bucketer(10);
    bucketer.Push("a", 1000, 1'003'000, Page({Web(1000)}, 10));
    bucketer.Seal(1000, 0);
    bucketer.Push("a", 1020, 1'023'000, Page({Web(9000)}, 90));
    if (with_replaced) {
      bucketer.Push("a", 1010, 1'019'000, Page({Web(2), Web(3, 5, "web-2")}, 3));  // resets
      bucketer.Push("a", 1020, 1'021'000, Page({Web(70'000)}, 70'000));
      bucketer.Push("a", 1020, 1'023'000, Page({Web(9000)}, 90));
    }
    bucketer.Push("a", 1010, 1'013'000, Page({Web(5000)}, 50));
    Bucket first_bucket = bucketer.Seal(1010, 0);
    return std::pair(std::move(first_bucket), bucketer.Seal(1020, 0));
  };
  const auto [first, second] = play(true);
  const auto [want_first, want_second] = play(false);
  CHECK(Rollups(first) ==
        "all cpu=4000 m=0 mem=100 pods=1 nodes=1 missing=0\nshop/ cpu=4000 m=0 mem=100 pods=1\n"
        "shop/web cpu=4000 m=0 mem=100 pods=1\n");
  CHECK(Rollups(first) == Rollups(want_first));
  CHECK(Rollups(second) == Rollups(want_second));
  CHECK(Value(second, Kind::kNode, "a", kCpu) == 90);
  CHECK(Find(first, Kind::kPod, "web-2") == nullptr);
}

TEST_CASE("A scraped node's bucket is not changed by what is pushed for it while it is open") {
  Bucketer bucketer(10);
  bucketer.Add("a", 1000, 1'001'000, Page({Web(1000, 11)}));
  bucketer.Push("a", 1000, 1'002'000, Page({Web(2000, 22)}));
  CHECK(Value(bucketer.Seal(1000, 0), Kind::kPod, "web-1", kMemory) == 11);
}

TEST_CASE("A late document in order: entries with totals and rates, increases in the totals of the newest bucket") {
  Bucketer bucketer(10);
  bucketer.Push("a", 1000, 1'005'000, Page({Web(1000)}, 10));
  bucketer.Push("b", 1000, 1'005'000, Page({Web(500, 7, "web-2")}));
  bucketer.Seal(1000, 1);
  bucketer.Push("b", 1010, 1'015'000, Page({Web(20'500, 7, "web-2")}));
  Bucket bucket = bucketer.Seal(1010, 1);
  const std::string before = "all cpu=20000 m=2 mem=7 pods=1 nodes=1 missing=1\n";
  CHECK(Rollups(bucket).starts_with(before));

  SUBCASE("nothing later is sealed: the totals show there") {
    bucketer.PushLate("a", 1010, 1'015'000, Page({Web(41'000), Web(7, 1, "web-3")}, 60), true);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket) ==
          "all cpu=60000 m=6 mem=108 pods=3 nodes=2 missing=0\nshop/ cpu=60000 m=6 mem=108 pods=3\n"
          "shop/web cpu=60000 m=6 mem=108 pods=3\n");
    CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 41'000);
    CHECK(Value(bucket, Kind::kPod, "web-1", kMillicores) == 4);
    CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 60);
    CHECK(Value(bucket, Kind::kNode, "a", Field::kPods) == 2);
  }
  SUBCASE("something later is sealed: the increase shows in the next bucket") {
    bucketer.Push("b", 1020, 1'025'000, Page({Web(20'500, 7, "web-2")}));
    CHECK(Rollups(bucketer.Seal(1020, 0)).starts_with("all cpu=20000 "));
    bucketer.PushLate("a", 1010, 1'015'000, Page({Web(41'000)}), false);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket).starts_with("all cpu=20000 m=6 mem=107 pods=2 nodes=2 missing=1\nshop/ cpu=20000 "));
    bucketer.Push("b", 1030, 1'035'000, Page({Web(20'500, 7, "web-2")}));
    CHECK(Rollups(bucketer.Seal(1030, 0)).starts_with("all cpu=60000 "));
  }
  SUBCASE("the group was not there: an entry without totals, unless nothing later of it is sealed") {
    const auto other = [](std::uint64_t cpu) { return Page({PodOf(Key("bank", "db-1", "db"), CpuUsage(cpu, 9))}); };
    bucketer.PushLate("c", 1010, 1'015'000, other(100), false);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket) ==
          "all cpu=20000 m=2 mem=16 pods=2 nodes=2 missing=1\nbank/ cpu=0 mem=9 pods=1\n"
          "bank/db cpu=0 mem=9 pods=1\nshop/ cpu=20000 m=2 mem=7 pods=1\n"
          "shop/web cpu=20000 m=2 mem=7 pods=1\n");
    Bucket gap{1005, {}};  // not a time on the grid, but between
    bucketer.PushLate("d", 1005, 1'006'000, Page({PodOf(Key("bank", "db-2", "db"), CpuUsage(100, 9))}), false);
    Amend(bucketer, gap);
    CHECK(Rollups(gap) == "all mem=9 pods=1 nodes=1\nbank/ mem=9 pods=1\nbank/db mem=9 pods=1\n");
  }
}

TEST_CASE("A late document out of order: gauges only, what is stored keeps its totals and rates") {
  Bucketer bucketer(10);
  bucketer.Push("a", 1000, 1'005'000, Page({Web(1000), Web(10, 5, "web-2")}, 10));
  bucketer.Push("b", 1000, 1'005'000, Page({Web(1, 7, "web-9")}));
  bucketer.Seal(1000, 0);
  bucketer.Push("a", 1010, 1'015'000, Page({Web(41'000), Web(20'010, 5, "web-2")}, 30));
  bucketer.Push("b", 1010, 1'015'000, Page({Web(1, 7, "web-9")}));
  Bucket bucket = bucketer.Seal(1010, 0);
  CHECK(Rollups(bucket).ends_with("shop/web cpu=60000 m=6 mem=112 pods=3\n"));

  SUBCASE("older: web-2 goes, web-3 comes") {
    bucketer.PushLate("a", 1010, 1'011'000, Page({Web(7, 300), Web(8, 40, "web-3")}, 5), false);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket).ends_with("shop/web cpu=60000 m=4 mem=347 pods=3\n"));
    CHECK(Value(bucket, Kind::kPod, "web-1", kCpu) == 41'000);
    CHECK(Value(bucket, Kind::kPod, "web-1", kMillicores) == 4);
    CHECK(Value(bucket, Kind::kPod, "web-1", kMemory) == 300);
    CHECK(!Value(bucket, Kind::kPod, "web-3", kCpu));
    CHECK(Value(bucket, Kind::kPod, "web-3", kMemory) == 40);
    CHECK(Find(bucket, Kind::kPod, "web-2") == nullptr);
    CHECK(Value(bucket, Kind::kNode, "a", kCpu) == 30);
  }
  SUBCASE("the last pods of a group go, and with them the group") {
    bucketer.PushLate("a", 1010, 1'011'000, Page({}), false);
    bucketer.PushLate("b", 1010, 1'011'000, Page({}), false);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket) == "all cpu=60000 pods=0 nodes=2 missing=0\n");
  }
  SUBCASE("the same again, also after a restart of the aggregator") {
    const Bucket before = bucket;
    Bucketer restarted(10);
    std::vector<std::pair<std::int64_t, Entry>> entries;
    for (const Entry& entry : bucket.entries) entries.emplace_back(1010, entry);
    restarted.Restore(entries);
    for (Bucketer* each : {&bucketer, &restarted}) {
      each->PushLate("a", 1010, 1'015'000, Page({Web(41'000), Web(20'010, 5, "web-2")}, 30), false);
      Amend(*each, bucket);
      CHECK(Rollups(bucket) == Rollups(before));
      CHECK(bucket.entries.size() == before.entries.size());
      for (const Entry& entry : before.entries) {
        const std::string& name = entry.member->kind == Kind::kPod ? entry.member->pod : entry.member->node;
        if (entry.member->kind == Kind::kPod) CHECK(Find(bucket, Kind::kPod, name)->point == entry.point);
      }
    }
  }
}

TEST_CASE("A pod's deployment in a late document") {
  Bucketer bucketer(10);
  const auto pod = [](const std::string& deployment) {
    return Page({PodOf(Key("shop", "p", deployment), CpuUsage(1, 1))});
  };
  bucketer.Push("a", 1000, 1'005'000, pod("old"));
  Bucket bucket = bucketer.Seal(1000, 0);
  bucketer.Push("a", 1010, 1'015'000, pod("new"));
  bucketer.Seal(1010, 0);
  bucketer.PushLate("a", 1000, 1'005'000, pod("old"), false);
  Amend(bucketer, bucket);
  CHECK(Find(bucket, Kind::kPod, "p")->member->deployment == "old");
  CHECK(Find(bucket, Kind::kDeployment, "old") != nullptr);
  CHECK(Find(bucket, Kind::kDeployment, "new") == nullptr);
}

TEST_CASE("Late documents without pods count where the bucket did not have the node") {
  Bucketer bucketer(10);
  bucketer.Push("b", 1000, 1'005'000, Page({Web(1000)}));
  Bucket bucket = bucketer.Seal(1000, 1);
  const auto document = [](std::uint64_t memory) {
    return Groups({{"shop", "", Given(10, {}, memory)}, {"bank", "db", Given(10, 5, memory)}});
  };
  bucketer.PushLate("a", 1000, 1'004'000, document(40), true);
  Amend(bucketer, bucket);
  const std::string want =
      "all cpu=0 mem=140 pods=1 nodes=2 missing=0\nbank/db cpu=0 m=5 mem=40 pods=0\n"
      "shop/ cpu=0 mem=140 pods=1\nshop/web cpu=0 mem=100 pods=1\n";
  CHECK(Rollups(bucket) == want);
  for (const std::int64_t at_ms : {1'004'000, 1'003'000, 1'006'000}) {
    bucketer.PushLate("a", 1000, at_ms, document(90), true);
    Amend(bucketer, bucket);
    CHECK(Rollups(bucket) == want);
  }
  bucketer.PushLate("b", 1000, 1'004'000, Page({}), false);  // its pod goes, the documents' share stays
  Amend(bucketer, bucket);
  CHECK(Rollups(bucket) ==
        "all cpu=0 mem=40 pods=0 nodes=2 missing=0\nbank/db cpu=0 m=5 mem=40 pods=0\nshop/ cpu=0 mem=40 pods=0\n");
}

TEST_CASE("Documents for one bucket are one amendment, in the order in which they came") {
  Bucketer bucketer(10);
  bucketer.Seal(1010, 0);
  bucketer.PushLate("a", 1010, 1'011'000, Page({Web(1, 1)}), false);
  bucketer.PushLate("a", 1000, 1'001'000, Page({Web(1, 9)}), false);
  bucketer.PushLate("a", 1010, 1'012'000, Page({Web(1, 2)}), false);
  auto amendments = bucketer.TakeAmendments();
  REQUIRE(amendments.size() == 2);
  CHECK(amendments.begin()->first == 1000);
  CHECK(amendments[1010].size() == 2);
  Bucket bucket{1010, {}};
  Apply(amendments[1010], bucket);
  CHECK(Value(bucket, Kind::kPod, "web-1", kMemory) == 2);
  CHECK(bucketer.TakeAmendments().empty());
}
