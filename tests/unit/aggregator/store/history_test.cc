// SPDX-License-Identifier: Apache-2.0
// The head and the archive as one.
#include "aggregator/store/history.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "aggregator/store/select.h"
#include "tests/unit/aggregator/store/stored.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

const Selector kPods{Kind::kPod, "", "", "", ""};
constexpr std::int64_t kHead = kFirst + 1500;  // where the head begins
constexpr std::int64_t kEnd = kFirst + 2000;

bool ByPod(const Member& a, const Member& b) {
  return a.pod < b.pod;
}
bool Before(const Member& a, const Member& b) {
  return ByPod(a, b) || (!ByPod(b, a) && a < b);
}

// Other pods half way: first those below ten, then the others.
struct Changing {
  Cluster cluster{20};
  [[nodiscard]] series::Bucket At(std::int64_t time) const {
    series::Bucket bucket = cluster.At(time);
    std::erase_if(bucket.entries, [time](const series::Entry& entry) {
      const bool later = entry.member->pod.size() > 5;  // pod-10 and on
      return entry.member->kind == Kind::kPod && later != (time >= kFirst + 1000);
    });
    return bucket;
  }
};

struct HistoryFixture : StoredFixture {
  HistoryFixture() {
    Seal(Changing{}, kFirst, (kHead - kFirst) / kInterval);
    Append(Changing{}, kHead, (kEnd - kHead) / kInterval);
  }

  // All that ForEach() gives, with a check of the order.
  [[nodiscard]] Table All(const Selector& selector, std::int64_t start, std::int64_t end,
                          std::size_t points_in_memory) const {
    std::vector<SeriesSlice> slices;
    const Status status = history.ForEach(selector, start, end, ByPod, points_in_memory, [&](SeriesSlice slice) {
      CHECK(!slice.points.empty());
      CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
      if (!slices.empty()) CHECK(Before(*slices.back().member, *slice.member));
      slices.push_back(std::move(slice));
      return true;
    });
    CHECK(status.ok());
    return TableOf(slices);
  }
};

const std::vector<std::pair<std::int64_t, std::int64_t>> kRanges{{0, INT64_MAX},
                                                                 {kFirst + 900, kFirst + 1100},  // other pods
                                                                 {kHead - 100, kHead + 100},     // both
                                                                 {kHead, kEnd},                  // the head alone
                                                                 {kFirst, kHead},                // the archive alone
                                                                 {kHead - 10, kHead},
                                                                 {kEnd, INT64_MAX}};

}  // namespace

TEST_CASE_FIXTURE(HistoryFixture, "History: selects from both") {
  for (const Selector& selector : SomeSelectors()) {
    for (const auto& [start, end] : kRanges) {
      CAPTURE(start);
      const auto slices = history.Select(selector, start, end, series::kAllFields, kNoLimit);
      REQUIRE(slices.ok());
      CHECK((TableOf(slices.value()) == Expected(selector, start, end)));
      CHECK(std::is_sorted(slices.value().begin(), slices.value().end(),
                           [](const SeriesSlice& a, const SeriesSlice& b) { return *a.member < *b.member; }));
    }
    CHECK(history.Knows(selector) == !Expected(selector, 0, INT64_MAX).empty());
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "History: only the fields that are wanted, from both") {
  const series::FieldMask fields = series::MaskOf(Field::kMemoryBytes) | series::MaskOf(Field::kDiskReadRate);
  for (const series::FieldMask wanted : {series::FieldMask{0}, fields}) {
    CHECK((TableOf(history.Select(kPods, 0, INT64_MAX, wanted, kNoLimit).value()) ==
           Only(wanted, Expected(kPods, 0, INT64_MAX))));
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "History: the points of both count for the limit") {
  for (const auto& [start, end] : kRanges) {
    const std::size_t points = Expected(kPods, start, end).size();
    CHECK(history.Select(kPods, start, end, series::kAllFields, points).ok());
    if (points == 0) continue;
    const auto refused = history.Select(kPods, start, end, series::kAllFields, points - 1);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == ErrorCode::kLimit);
    CHECK(refused.error().message.find("limit is " + std::to_string(points - 1)) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "ForEach: the same as Select in any number of passes") {
  for (const Selector& selector : SomeSelectors()) {
    for (const auto& [start, end] : kRanges) {
      const Table expected = Expected(selector, start, end);
      for (const std::size_t points_in_memory : {1, 300, 1000, 100'000}) {
        CAPTURE(points_in_memory);
        CHECK((All(selector, start, end, points_in_memory) == expected));
      }
    }
  }
}

TEST_CASE_FIXTURE(HistoryFixture, "ForEach: stops when it is told to") {
  int taken = 0;
  const auto three = [&taken](const SeriesSlice& /*slice*/) { return ++taken < 3; };
  CHECK(history.ForEach(kPods, 0, INT64_MAX, ByPod, 80, three).ok());
  CHECK(taken == 3);
}

TEST_CASE_FIXTURE(StoredFixture, "History: of nothing") {
  int taken = 0;
  const auto count = [&taken](const SeriesSlice& /*slice*/) { return ++taken > 0; };
  for (const Kind kind : {Kind::kPod, Kind::kCluster}) {
    const Selector selector{kind, "", "", "", ""};
    CHECK(history.Select(selector, 0, INT64_MAX, series::kAllFields, 0).value().empty());
    CHECK(history.ForEach(selector, 0, INT64_MAX, ByPod, 80, count).ok());
    CHECK(!history.Knows(selector));
    CHECK(history.Tail(kind, 0, INT64_MAX).value().empty());
  }
  CHECK(taken == 0);
}

TEST_CASE_FIXTURE(HistoryFixture, "Tail: members of the head, and those whose last points are older") {
  const std::int64_t gone = kFirst + 1000;  // since when the first ten pods report no more
  const auto check = [&](Kind kind, std::int64_t since, std::size_t members) {
    const auto tail = history.Tail(kind, since, INT64_MAX);
    REQUIRE(tail.ok());
    CHECK(tail.value().size() == members);
    Table stored = Expected({kind, "", "", "", ""}, 0, INT64_MAX);
    for (const SeriesSlice& slice : tail.value()) {
      const auto last = std::prev(stored.upper_bound({*slice.member, INT64_MAX}));
      CHECK(slice.times_seconds.back() == last->first.second);
      CHECK((slice.points.back() == last->second));
      CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
    }
  };
  check(Kind::kPod, 0, 20);
  check(Kind::kPod, gone - 100, 20);
  check(Kind::kPod, gone + kTouchSeconds, 10);
  check(Kind::kNode, kEnd + kTouchSeconds, 2);
  check(Kind::kCluster, 0, 1);
}

TEST_CASE_FIXTURE(HistoryFixture, "Tail: a total that the newer points do not have is found in the archive") {
  Point with;
  with.Set(Field::kDiskReadBytes, 7);
  Point without;
  without.Set(Field::kPods, 1);
  // In the same part, in another of the same chunk, and in the chunk before.
  for (const std::int64_t seconds : {kHead - 20, kHead - 400, kHead - 1000}) {
    CAPTURE(seconds);
    const auto member = Of({Kind::kNamespace, "", "rare-" + std::to_string(seconds), "", ""});
    sealing.Write({{seconds, {{member, with}}}, {kHead - 10, {{member, without}}}});
    const std::int64_t newest_seconds = kEnd + kHead - seconds;
    REQUIRE(head.Append({newest_seconds, {{member, without}}}));
    const auto tail = history.Tail(Kind::kNamespace, 0, INT64_MAX).value();
    const auto rare =
        std::find_if(tail.begin(), tail.end(), [&](const auto& slice) { return *slice.member == *member; });
    REQUIRE(rare != tail.end());
    CHECK(rare->times_seconds == std::vector<std::int64_t>{seconds, newest_seconds});
    CHECK((rare->points == std::vector<Point>{with, without}));
  }
}

namespace {

// Five pods whose memory is the bucket's time, so that a reader can tell what it must find without a copy of it all.
struct Plain {
  std::vector<series::MemberPtr> pods;
  Plain() {
    for (int i = 0; i < 5; ++i) pods.push_back(Of({Kind::kPod, "node-a", "ns0", "", "pod-" + std::to_string(i)}));
  }
  [[nodiscard]] series::Bucket At(std::int64_t time) const {
    series::Bucket bucket{time, {}};
    for (const series::MemberPtr& pod : pods) {
      bucket.entries.push_back({pod, {}});
      bucket.entries.back().point.Set(Field::kMemoryBytes, time);
    }
    return bucket;
  }
  // Whether the slice has every bucket of [start, end), both multiples of the interval, once.
  static bool IsWhole(const SeriesSlice& slice, std::int64_t start, std::int64_t end) {
    std::int64_t time = start;
    for (std::size_t i = 0; i < slice.points.size(); ++i, time += kInterval) {
      if (slice.times_seconds[i] != time || slice.points[i].Get(Field::kMemoryBytes) != time) return false;
    }
    return time == end;
  }
};

// Reads random ranges up to the newest bucket until `done`; counts what is not as it must be.
struct RandomReader {
  const History& history;
  const std::atomic<std::int64_t>& end;  // of what was appended
  const std::atomic<bool>& done;
  int reads = 0, wrong = 0;

  void Run(unsigned seed) {
    std::mt19937 random(seed);
    for (bool last = false; !last;) {
      last = done;
      const std::int64_t range_end = end;
      const std::int64_t start = std::max(kFirst, range_end - kInterval * static_cast<std::int64_t>(random() % 100));
      const std::size_t members = start < range_end ? 5 : 0;
      std::size_t whole = 0;
      const auto take = [&](const SeriesSlice& slice) {
        whole += Plain::IsWhole(slice, start, range_end) ? 1U : 0U;
        return true;
      };
      if (random() % 2 == 0) {
        const auto slices = history.Select(kPods, start, range_end, series::kAllFields, kNoLimit);
        if (slices.ok()) std::for_each(slices.value().begin(), slices.value().end(), take);
      } else if (!history.ForEach(kPods, start, range_end, ByPod, 150, take).ok()) {
        ++wrong;
      }
      wrong += whole == members ? 0 : 1;
      ++reads;
    }
  }
};

}  // namespace

TEST_CASE("History: readers beside sealing and compaction see every point once") {
  StoredFixture stored;
  const Plain plain;
  std::atomic<std::int64_t> end{kFirst};
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int round = 0; round < 300; ++round) {
      std::vector<series::Bucket> buckets;
      for (int i = 0; i < 12; ++i) {
        buckets.push_back(plain.At(end));
        stored.head.Append(buckets.back());
        end += kInterval;
      }
      const auto sealed = stored.head.Before(buckets.back().time_seconds);  // the newest stays
      buckets.clear();
      for (const HeadBucketPtr& bucket : sealed) buckets.push_back(plain.At(bucket->time_seconds));
      stored.sealing.Write(buckets);
      REQUIRE(stored.head.DropSealed(sealed));
      stored.sealing.Compact(buckets.back().time_seconds);
    }
    done = true;
  });
  RandomReader one{stored.history, end, done};
  RandomReader two{stored.history, end, done};
  std::thread other([&] { one.Run(1); });
  two.Run(2);
  other.join();
  writer.join();
  CHECK(one.wrong == 0);
  CHECK(two.wrong == 0);
  CHECK(one.reads > 0);
  CHECK(stored.sealing.db().QueryInt("SELECT count(*) FROM chunk").value() > 0);
}
