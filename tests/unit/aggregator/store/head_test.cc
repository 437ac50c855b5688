// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/head.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "aggregator/store/select.h"
#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

Table Everything(const Head& head) {
  Table all;
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    const Selector selector{static_cast<Kind>(kind), "", "", "", ""};
    all.merge(TableOf(
        SelectFromHead(head.View(selector.kind, 0, INT64_MAX), selector, series::kAllFields, kNoLimit).value()));
  }
  return all;
}

}  // namespace

TEST_CASE("The head gives back what was appended or prepended") {
  const Cluster cluster(20);
  Head head(100'000);
  Table expected;
  for (std::int64_t t = kFirst; t < kFirst + 500; t += 10) {
    const series::Bucket bucket = cluster.At(t);
    AddTo(expected, bucket);
    const HeadBucketPtr kept = head.Append(bucket);
    REQUIRE(kept);
    CHECK(kept->time_seconds == t);
  }
  for (std::int64_t t = kFirst - 10; t > kFirst - 300; t -= 10) {
    AddTo(expected, cluster.At(t));
    CHECK(head.Prepend(cluster.At(t)));
  }
  CHECK((Everything(head) == expected));
  CHECK(head.points() == expected.size());
  CHECK(head.oldest_seconds() == kFirst - 290);
  CHECK(head.newest_seconds() == kFirst + 490);
  CHECK(head.members() == 2 + 20 + 3 + 1 + 1);
}

TEST_CASE("Buckets of the same time replace, between others are put in place, older ones are refused") {
  const Cluster cluster(5);
  Head head(100'000);
  Table expected;
  for (std::int64_t t : {kFirst, kFirst + 20}) {
    head.Append(cluster.At(t));
    AddTo(expected, cluster.At(t));
  }
  series::Bucket again = cluster.At(kFirst + 1000);
  again.time_seconds = kFirst + 20;
  std::erase_if(expected, [](const auto& item) { return item.first.second == kFirst + 20; });
  AddTo(expected, again);
  CHECK(head.Append(again));
  CHECK(head.Append(cluster.At(kFirst + 10)));
  AddTo(expected, cluster.At(kFirst + 10));
  CHECK((Everything(head) == expected));
  CHECK(head.points() == expected.size());
  CHECK(!head.Append(cluster.At(kFirst - 10)));
  CHECK((Everything(head) == expected));
}

TEST_CASE("The head is bounded: whole buckets go from the old end, and their members in time") {
  const std::size_t points = Cluster(50).At(kFirst).entries.size();
  Head head(10 * points);
  for (int i = 0; i < 1000; ++i) {
    series::Bucket bucket = Cluster(0).At(kFirst + 10 * i);
    for (int p = 0; p < 50; ++p) {  // every pod lives for one bucket
      bucket.entries.push_back({Of({Kind::kPod, "n", "ns", "", std::to_string(i * 50 + p)}), Point{}});
    }
    head.Append(bucket);
    REQUIRE(head.points() <= 10 * points);
    REQUIRE(head.members() <= 50 * (10 + 64 + 2));
  }
  CHECK(head.newest_seconds() == kFirst + 9990);
  Head tiny(1);
  tiny.Append(Cluster(9).At(kFirst));
  CHECK(tiny.points() > 1);  // the newest always stays
  CHECK(!tiny.Prepend(Cluster(9).At(kFirst - 10)));
  tiny.Append(Cluster(9).At(kFirst + 10));
  CHECK(tiny.oldest_seconds() == kFirst);  // and the one before
  tiny.Append(Cluster(9).At(kFirst + 20));
  CHECK(tiny.oldest_seconds() == kFirst + 10);
}

TEST_CASE("Sealed buckets leave the head with the members that no other names") {
  Head head(100'000);
  for (int i = 0; i < 10; ++i) {
    Point point;
    point.Set(Field::kPods, i);
    head.Append({kFirst + 10 * i, {{Of({Kind::kPod, "n", "ns", "", std::to_string(i)}), point}}});
  }
  CHECK(head.Before(kFirst).empty());
  const std::vector<HeadBucketPtr> sealed = head.Before(kFirst + 35);
  REQUIRE(sealed.size() == 4);
  CHECK(sealed[3]->time_seconds == kFirst + 30);
  SUBCASE("as they were") {
    CHECK(head.DropSealed(sealed));
    CHECK(head.oldest_seconds() == kFirst + 40);
    CHECK(head.members() == 6);
    CHECK(head.points() == 6);
    CHECK(head.DropSealed(sealed));  // they are gone
    CHECK(head.points() == 6);
  }
  SUBCASE("not where one was amended meanwhile") {
    REQUIRE(head.Amend(kFirst + 20, [](series::Bucket& bucket) { bucket.entries.clear(); }));
    CHECK(!head.DropSealed(sealed));
    CHECK(head.oldest_seconds() == kFirst);
    CHECK(head.DropSealed(head.Before(kFirst + 35)));
    CHECK(head.oldest_seconds() == kFirst + 40);
  }
  SUBCASE("not where a gap was filled meanwhile") {
    REQUIRE(head.Amend(kFirst + 15, [](series::Bucket& bucket) { CHECK(bucket.entries.empty()); }));
    CHECK(!head.DropSealed(sealed));
  }
}

TEST_CASE("Amend: in the head, not before it") {
  const Cluster cluster(5);
  Head head(100'000);
  int calls = 0;
  const auto count = [&](series::Bucket&) { ++calls; };
  CHECK(head.Amend(kFirst, count) == nullptr);
  head.Append(cluster.At(kFirst));
  CHECK(head.Amend(kFirst - 10, count) == nullptr);
  CHECK(calls == 0);
  REQUIRE(head.Amend(kFirst, [&](series::Bucket& bucket) {
    Table before;
    AddTo(before, bucket);
    CHECK((before == Everything(head)));
    bucket = cluster.At(kFirst + 10);
    bucket.time_seconds = kFirst;
  }));
  series::Bucket expected = cluster.At(kFirst + 10);
  expected.time_seconds = kFirst;
  Table table;
  AddTo(table, expected);
  CHECK((Everything(head) == table));
}

TEST_CASE("Members that come as other objects are the same; the slots of buckets are shared") {
  Head head(100'000);
  const Member name{Kind::kPod, "n", "ns", "", "p"};
  HeadBucketPtr last;
  for (std::int64_t t = kFirst; t < kFirst + 50; t += 10) {
    Point point;
    point.Set(Field::kPods, t);
    const HeadBucketPtr bucket = head.Append({t, {{Of(name), point}}});
    if (last) CHECK(bucket->Of(Kind::kPod).slots == last->Of(Kind::kPod).slots);
    last = bucket;
  }
  CHECK(head.members() == 1);
  const auto slices =
      SelectFromHead(head.View(Kind::kPod, 0, INT64_MAX), {Kind::kPod, "", "", "", "p"}, series::kAllFields, kNoLimit);
  REQUIRE(slices.value().size() == 1);
  CHECK(slices.value()[0].points.size() == 5);
  CHECK(*head.MemberOf((*last->Of(Kind::kPod).slots)[0]) == name);
  CHECK(head.MemberOf(77) == nullptr);
}

TEST_CASE("A member that an older bucket names by another object is not forgotten before its newest bucket") {
  const Member name{Kind::kPod, "n", "ns", "", "p"};
  Head head(100'000);
  for (std::int64_t t = kFirst; t < kFirst + 50; t += 10) head.Append({t, {{Of(name), Point{}}}});
  head.Amend(kFirst + 10, [&name](series::Bucket& bucket) { bucket.entries = {{Of(name), Point{}}}; });
  REQUIRE(head.DropSealed(head.Before(kFirst + 30)));
  CHECK(head.members() == 1);
  CHECK(Everything(head).size() == 2);
}

TEST_CASE("Select: filters, order, ranges, limit") {
  const Cluster cluster(40);
  Head head(100'000);
  Table all;
  for (std::int64_t t = kFirst; t < kFirst + 100; t += 10) {
    head.Append(cluster.At(t));
    AddTo(all, cluster.At(t));
  }
  const std::vector<Selector> selectors = {
      {Kind::kPod, "", "", "", ""},
      {Kind::kPod, "node-a", "", "", ""},
      {Kind::kPod, "", "ns1", "", ""},
      {Kind::kPod, "", "", "d2", ""},
      {Kind::kPod, "", "", "", "pod-7"},
      {Kind::kPod, "node-b", "ns1", "", "pod-7"},
      {Kind::kPod, "node-a", "", "", "pod-7"},
      {Kind::kNode, "node-b", "", "", ""},
      {Kind::kNamespace, "", "ns2", "", ""},
      {Kind::kDeployment, "", "", "", ""},
      {Kind::kCluster, "", "", "", ""},
      {Kind::kPod, "", "", "", "pod"},
  };
  for (const Selector& selector : selectors) {
    for (const auto& [start, end] : {std::pair{kFirst, kFirst + 100},
                                     {kFirst + 20, kFirst + 30},
                                     {kFirst + 5, kFirst + 41},
                                     {kFirst + 30, kFirst + 30},
                                     {kFirst + 50, kFirst},
                                     {kFirst + 200, kFirst + 300}}) {
      Table expected = all;
      std::erase_if(expected, [&, s = start, e = end](const auto& item) {
        return !Matches(selector, item.first.first) || item.first.second < s || item.first.second >= e;
      });
      const HeadView view = head.View(selector.kind, start, end);
      const auto got = SelectFromHead(view, selector, series::kAllFields, expected.size());
      REQUIRE(got.ok());
      CHECK((TableOf(got.value()) == expected));
      CHECK(std::is_sorted(got.value().begin(), got.value().end(),
                           [](const SeriesSlice& a, const SeriesSlice& b) { return *a.member < *b.member; }));
      for (const SeriesSlice& slice : got.value()) {
        CHECK(!slice.points.empty());
        CHECK(std::is_sorted(slice.times_seconds.begin(), slice.times_seconds.end()));
      }
      if (expected.empty()) continue;
      const auto refused = SelectFromHead(view, selector, series::kAllFields, expected.size() - 1);
      REQUIRE(!refused.ok());
      CHECK(refused.error().code == ErrorCode::kLimit);
    }
  }
}

TEST_CASE("LastPoints: of each member that is in the view") {
  const Cluster cluster(30);
  Head head(100'000);
  std::map<Member, std::pair<std::int64_t, Point>> expected;
  for (std::int64_t t = kFirst; t < kFirst + 100; t += 10) {
    const series::Bucket bucket = cluster.At(t);
    head.Append(bucket);
    for (const auto& entry : bucket.entries) {
      if (entry.member->kind == Kind::kPod && t >= kFirst + 80) expected[*entry.member] = {t, entry.point};
    }
  }
  const auto last = LastPoints(head.View(Kind::kPod, kFirst + 80, kFirst + 100));
  REQUIRE(last.size() == expected.size());
  for (const SeriesSlice& slice : last) {
    REQUIRE(slice.points.size() == 1);
    CHECK((expected[*slice.member] == std::pair{slice.times_seconds[0], slice.points[0]}));
  }
  CHECK(LastPoints(head.View(Kind::kPod, 0, INT64_MAX)).size() == 30);
  CHECK(LastPoints(Head(10).View(Kind::kPod, 0, INT64_MAX)).empty());
}

TEST_CASE("Join: older and newer points of the same members") {
  auto slice = [](const char* pod, std::vector<std::int64_t> times) {
    SeriesSlice out{Of({Kind::kPod, "", "", "", pod}), std::move(times), {}};
    out.points.resize(out.times_seconds.size());
    return out;
  };
  const auto joined =
      Join({slice("a", {1}), slice("b", {1, 2}), slice("d", {2})}, {slice("b", {3}), slice("c", {3, 4})});
  REQUIRE(joined.size() == 4);
  CHECK(joined[0].times_seconds == std::vector<std::int64_t>{1});
  CHECK(joined[1].times_seconds == std::vector<std::int64_t>{1, 2, 3});
  CHECK(joined[1].points.size() == 3);
  CHECK(joined[2].times_seconds == std::vector<std::int64_t>{3, 4});
  CHECK(joined[3].member->pod == "d");
}
