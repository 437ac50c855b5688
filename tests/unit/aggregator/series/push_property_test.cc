// SPDX-License-Identifier: Apache-2.0
// Random clusters of which most nodes push: documents come late, out of order, again, and replace each other; pods
// come, go and restart, counters start anew, the aggregator restarts. Whatever comes, in the store totals never fall,
// sums are the sums of their pods, and what is sent again changes nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/bucketer.h"
#include "aggregator/series/counter.h"
#include "aggregator/series/rollup.h"
#include "tests/support/fake_store.h"
#include "tests/unit/aggregator/series/readings.h"

using namespace cloudmon::series;
using namespace cloudmon::series::test;
using cloudmon::store::SeriesSlice;

namespace {

constexpr std::int64_t kStart = 1'000'000;
constexpr int kScraped = 0, kNodes = 5;  // node 0 is scraped, the others push
constexpr int kPodNames = 6;
constexpr std::array kKinds = {Kind::kNode, Kind::kPod, Kind::kNamespace, Kind::kDeployment, Kind::kCluster};

struct Document {
  int node = 0;
  std::int64_t bucket = 0, at_ms = 0;
  TargetReading reading;
};

class World {
 public:
  // `last_has_no_pods`: the documents of the last node name groups instead.
  World(unsigned seed, bool last_has_no_pods) : random_(seed), last_has_no_pods_(last_has_no_pods) {}
  bool Chance(int percent) { return Upto(99) < percent; }
  std::int64_t Upto(std::int64_t most) { return std::uniform_int_distribution<std::int64_t>(0, most)(random_); }

  Document Measure(int node, std::int64_t bucket) {
    Document document{node, bucket, bucket * 1000 + Upto(9999), {}};
    document.reading.node_reading.usage = Next(cpu_[{node, -1, 0}]);
    if (node == kNodes - 1 && last_has_no_pods_) {
      document.reading.groups = {{"g", "", Next(cpu_[{node, -2, 0}])}, {"g", "gd", Next(cpu_[{node, -3, 0}])}};
      if (Chance(50)) document.reading.groups.pop_back();
      return document;
    }
    for (int p = 0; p < kPodNames; ++p) {
      int& uid = uids_[{node, p}];
      if (Chance(10)) ++uid;
      if (uid % 3 == 0) continue;  // not running
      const std::string deployment = p % 2 == 0 && !Chance(5) ? "d" + std::to_string((uid + p) % 3) : "";
      document.reading.pods.push_back(
          PodOf(Key("ns" + std::to_string(p % 3), "p" + std::to_string(p), deployment), Next(cpu_[{node, p, uid}])));
    }
    return document;
  }

 private:
  Usage Next(std::uint64_t& cpu) {
    cpu = Chance(3) ? 0 : cpu + static_cast<std::uint64_t>(Upto(9'000'000));
    Usage usage = CpuUsage(cpu, static_cast<std::uint64_t>(Upto(1000)));
    if (Chance(30)) usage.disk_read_bytes = cpu / 2;
    if (Chance(20)) usage.cpu_millicores = static_cast<std::uint64_t>(Upto(500));
    if (usage.cpu_millicores && Chance(50)) usage.cpu_usage_usec.reset();
    return usage;
  }

  std::mt19937 random_;
  const bool last_has_no_pods_;
  std::map<std::tuple<int, int, int>, std::uint64_t> cpu_;  // by node, pod, uid
  std::map<std::pair<int, int>, int> uids_;
};

using Contents = std::map<Member, std::map<std::int64_t, Point>>;

// A bucketer and its store, as the scraper drives them.
class Aggregator {
 public:
  void Take(const Document& document) {
    const std::string node = "node" + std::to_string(document.node);
    if (document.node == kScraped) {
      bucketer_->Add(node, document.bucket, document.at_ms, document.reading);
    } else if (document.bucket > sealed_) {
      bucketer_->Push(node, document.bucket, document.at_ms, document.reading);
    } else {
      bucketer_->PushLate(node, document.bucket, document.at_ms, document.reading, false);
    }
  }
  void End(std::int64_t bucket, bool is_gap) {
    if (!is_gap) store_.Append(bucketer_->Seal(bucket, 0));
    sealed_ = bucket;
  }
  void Flush() {
    for (const auto& [bucket, amendments] : bucketer_->TakeAmendments()) {
      const auto& list = amendments;
      REQUIRE(store_.Amend(bucket, [&list](Bucket& stored) { Apply(list, stored); }).ok());
    }
  }
  void Restart() {
    Flush();
    std::vector<std::pair<std::int64_t, Entry>> last;
    for (const auto& [member, points] : Dump()) {
      const auto shared = std::make_shared<const Member>(member);
      Point known;
      for (auto it = points.rbegin(); it != points.rend(); ++it) {  // as Store::Tail()
        bool is_wanted = it == points.rbegin();
        for (const CounterFields& fields : kCounterFields) {
          if (member.kind == Kind::kPod || !it->second.Has(fields.total) || known.Has(fields.total)) continue;
          is_wanted = true;
          known.Set(fields.total, 0);
        }
        if (is_wanted) last.emplace_back(it->first, Entry{shared, it->second});
      }
    }
    bucketer_ = std::make_unique<Bucketer>(10);
    bucketer_->Restore(last);
  }
  [[nodiscard]] Contents Dump() const {
    Contents contents;
    for (const Kind kind : kKinds) {
      const auto slices = store_.Select({kind, "", "", "", ""}, 0, INT64_MAX, series::kAllFields, SIZE_MAX);
      for (const SeriesSlice& slice : slices.value()) {
        for (std::size_t i = 0; i < slice.points.size(); ++i) {
          contents[*slice.member][slice.times_seconds[i]] = slice.points[i];
        }
      }
    }
    return contents;
  }

 private:
  std::unique_ptr<Bucketer> bucketer_ = std::make_unique<Bucketer>(10);
  cloudmon::test::FakeStore store_;
  std::int64_t sealed_ = 0;
};

// "" where they are the same, else a first difference.
std::string Difference(const Contents& a, const Contents& b) {
  auto text = [](const Member& m, std::int64_t time, const Point& point) {
    std::string out = std::string(KindName(m.kind)) + " " + m.node + "/" + m.ns + "/" + m.deployment + "/" + m.pod +
                      " at " + std::to_string(time) + ":";
    for (const FieldInfo& info : kFields) {
      if (point.Has(info.field)) out += " " + std::string(info.name) + "=" + std::to_string(point.Get(info.field));
    }
    return out;
  };
  auto missing = [&](const Contents& from, const Contents& in) -> std::string {
    for (const auto& [member, points] : from) {
      const auto other = in.find(member);
      for (const auto& [time, point] : points) {
        const bool same = other != in.end() && other->second.contains(time) && other->second.at(time) == point;
        if (!same) return text(member, time, point);
      }
    }
    return "";
  };
  const std::string only_a = missing(a, b);
  const std::string only_b = missing(b, a);
  return only_a.empty() && only_b.empty() ? "" : only_a + "\n" + only_b;
}

void CheckTotals(const Contents& contents) {
  for (const auto& [member, points] : contents) {
    if (member.kind == Kind::kPod) continue;  // its cgroup's own
    for (const CounterFields& fields : kCounterFields) {
      std::int64_t last = 0;
      for (const auto& [time, point] : points) {
        if (!point.Has(fields.total)) continue;
        const std::string name = member.node + member.ns + "/" + member.deployment;
        CAPTURE(name);
        CAPTURE(time);
        REQUIRE(point.Get(fields.total) >= last);
        last = point.Get(fields.total);
      }
    }
  }
}

// Gauges and rates of groups, by time, from the pods. Groups of documents without pods are not looked at.
void CheckSums(const Contents& contents, bool with_cluster) {
  std::map<std::pair<Member, std::int64_t>, Point> want, got;
  std::map<std::int64_t, std::int64_t> nodes;
  for (const auto& [member, points] : contents) {
    for (const auto& [time, point] : points) {
      if (member.kind == Kind::kNode) ++nodes[time];
      if (member.kind == Kind::kPod) {
        for (const Member& group : {Member{Kind::kNamespace, "", member.ns, "", ""},
                                    Member{Kind::kDeployment, "", member.ns, member.deployment, ""}, Member{}}) {
          if (group.kind == Kind::kDeployment && member.deployment.empty()) continue;
          if (group.kind == Kind::kCluster && !with_cluster) continue;
          Point& sum = want[{group, time}];
          for (const Field field : kSummedFields) {
            if (point.Has(field)) sum.Add(field, point.Get(field));
          }
          sum.Add(Field::kPods, 1);
        }
        continue;
      }
      if (member.kind == Kind::kNode || member.ns == "g") continue;
      if (member.kind == Kind::kCluster && (!with_cluster || point.Get(Field::kPods) == 0)) continue;
      Point& sum = got[{member, time}];
      for (const Field field : kSummedFields) {
        if (point.Has(field)) sum.Set(field, point.Get(field));
      }
      sum.Set(Field::kPods, point.Get(Field::kPods));
    }
  }
  REQUIRE((got == want));
  const auto& cluster = contents.at(Member{});
  for (const auto& [time, point] : cluster) REQUIRE(point.Get(Field::kNodes) == nodes[time]);
}

// Plays the same documents to two aggregators, of which the second gets nothing twice and nothing that is replaced.
class Play {
 public:
  Play(unsigned seed, bool last_has_no_pods) : world_(seed, last_has_no_pods) {}

  void Round(std::int64_t now) {
    for (Aggregator* aggregator : {&noisy_, &plain_}) aggregator->End(now - 10, was_gap_);
    sealed_ = now - 10;
    was_gap_ = world_.Chance(3);
    for (int node = 0; node < kNodes; ++node) Measure(node, now);
    std::erase_if(on_the_way_, [&](const auto& item) {
      if (item.first > now) return false;
      Take(item.second);
      return true;
    });
    if (world_.Chance(60)) Flush();
    if (world_.Chance(20)) SendAgain();
    if (!world_.Chance(4)) return;
    for (Aggregator* aggregator : {&noisy_, &plain_}) aggregator->Restart();
    std::erase_if(last_, [&](const auto& item) { return item.second.bucket > sealed_; });  // lost
  }

  void Flush() {
    for (Aggregator* aggregator : {&noisy_, &plain_}) aggregator->Flush();
  }
  [[nodiscard]] const Aggregator& noisy() const { return noisy_; }
  [[nodiscard]] const Aggregator& plain() const { return plain_; }
  [[nodiscard]] std::size_t late() const { return late_; }

 private:
  void Measure(int node, std::int64_t now) {
    if (world_.Chance(5) || (was_gap_ && node == kScraped)) return;
    Document document = world_.Measure(node, now);
    if (was_gap_ || (node != kScraped && world_.Chance(30))) {
      on_the_way_.emplace_back(now + 20 + 10 * world_.Upto(6), std::move(document));
      std::shuffle(on_the_way_.begin(), on_the_way_.end(), std::minstd_rand(static_cast<unsigned>(world_.Upto(999))));
    } else {
      if (node != kScraped && world_.Chance(10)) noisy_.Take(world_.Measure(node, now));  // is replaced
      Take(document);
    }
  }

  void Take(const Document& document) {
    noisy_.Take(document);
    plain_.Take(document);
    if (document.node != kScraped && world_.Chance(20)) noisy_.Take(document);
    if (document.node != kScraped) last_[{document.node, document.bucket}] = document;
    if (document.bucket <= sealed_) ++late_;
  }

  void SendAgain() {
    if (last_.empty()) return;
    const auto& [key, document] = *std::next(last_.begin(), world_.Upto(static_cast<std::int64_t>(last_.size()) - 1));
    Flush();
    const Contents before = noisy_.Dump();
    noisy_.Take(document);
    noisy_.Flush();
    REQUIRE(Difference(before, noisy_.Dump()) == "");
  }

  World world_;
  Aggregator noisy_, plain_;
  std::vector<std::pair<std::int64_t, Document>> on_the_way_;  // and when they come
  std::map<std::pair<int, std::int64_t>, Document> last_;      // by node and bucket
  std::int64_t sealed_ = 0;
  bool was_gap_ = false;  // the last bucket: for a while nobody was there to take anything
  std::size_t late_ = 0;
};

}  // namespace

TEST_CASE("Whatever is pushed, totals never fall, sums are right, and what comes again changes nothing") {
  std::size_t late = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    const bool last_has_no_pods = seed % 3 == 0;
    Play play(seed, last_has_no_pods);
    for (std::int64_t now = kStart; now < kStart + 400; now += 10) play.Round(now);
    play.Flush();
    const Contents contents = play.noisy().Dump();
    CheckTotals(contents);
    CheckSums(contents, !last_has_no_pods);
    REQUIRE(Difference(contents, play.plain().Dump()) == "");
    late += play.late();
  }
  CHECK(late > 5000);
}
