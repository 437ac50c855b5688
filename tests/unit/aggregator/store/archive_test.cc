// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/archive.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/store/stored.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

const Selector kPods{Kind::kPod, "", "", "", ""};
constexpr std::int64_t kBuckets = 800;  // more than two chunks
constexpr std::int64_t kEnd = kFirst + kInterval * kBuckets;

// The older half in chunks, the newer in parts.
struct ArchiveFixture : StoredFixture {
  ArchiveFixture() {
    const Cluster cluster(20);
    Seal(cluster, kFirst, kBuckets / 2);
    sealing.Compact(kFirst + kInterval * kBuckets / 2);
    Seal(cluster, kFirst + kInterval * kBuckets / 2, kBuckets / 2);
    REQUIRE(sealing.db().QueryInt("SELECT count(*) FROM chunk").value() > 0);
    REQUIRE(sealing.db().QueryInt("SELECT count(*) FROM part").value() > 0);
  }
};

std::string NamesOf(const std::vector<SeriesSlice>& slices) {
  std::string names;
  for (const SeriesSlice& slice : slices) names += slice.member->pod + slice.member->node + " ";
  return names;
}

}  // namespace

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: selects by member and time") {
  for (const Selector& selector : SomeSelectors()) {
    for (const auto& [start, end] : {std::pair{std::int64_t{0}, std::int64_t{INT64_MAX}},
                                     {kFirst + 3990, kFirst + 4020},
                                     {kFirst + 10, kFirst + 20},
                                     {kEnd - 10, kEnd + 100},
                                     {kEnd, kEnd + 10'000},
                                     {kFirst - 10'000, kFirst},
                                     {kFirst + 100, kFirst + 100},
                                     {kFirst + 100, kFirst}}) {
      CAPTURE(start);
      const auto slices = archive.Select(selector, start, end, series::kAllFields, kNoLimit);
      REQUIRE(slices.ok());
      CHECK((TableOf(slices.value()) == Expected(selector, start, end)));
      for (std::size_t i = 0; i < slices.value().size(); ++i) {
        const SeriesSlice& slice = slices.value()[i];
        CHECK(!slice.points.empty());
        CHECK(std::adjacent_find(slice.times_seconds.begin(), slice.times_seconds.end(), std::greater_equal<>()) ==
              slice.times_seconds.end());
        if (i > 0) CHECK(*slices.value()[i - 1].member < *slice.member);
      }
    }
  }
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: only the fields that are wanted") {
  for (const series::FieldMask fields :
       {series::FieldMask{0}, series::MaskOf(Field::kMemoryBytes),
        series::MaskOf(Field::kDiskReadRate) | series::MaskOf(Field::kPods), series::kAllFields}) {
    CAPTURE(fields);
    CHECK((TableOf(archive.Select(kPods, 0, INT64_MAX, fields, kNoLimit).value()) ==
           Only(fields, Expected(kPods, 0, INT64_MAX))));
  }
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: the limit of points") {
  const std::size_t points = Expected(kPods, 0, INT64_MAX).size();
  CHECK(archive.Select(kPods, 0, INT64_MAX, series::kAllFields, points).ok());
  const auto refused = archive.Select(kPods, 0, INT64_MAX, series::kAllFields, points - 1);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kLimit);
  CHECK(archive.Select(kPods, 0, INT64_MAX, series::kAllFields, 0).error().code == ErrorCode::kLimit);
  CHECK(archive.Select(kPods, 0, kFirst, series::kAllFields, 0).value().empty());
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: given members, those that are not stored left out") {
  const auto pod = [](const char* node, const char* ns, const char* deployment, const char* name) {
    return Of({Kind::kPod, node, ns, deployment, name});
  };
  const auto slices = archive.Select({pod("node-a", "ns2", "d2", "pod-2"), pod("node-b", "ns2", "d2", "pod-2"),
                                      Of({Kind::kNode, "node-b", "", "", ""}), Of({Kind::kCluster, "", "", "", ""})},
                                     kFirst, kFirst + 5000);
  REQUIRE(slices.ok());
  CHECK(NamesOf(slices.value()) == "pod-2node-a node-b  ");
  Table expected = Expected({Kind::kPod, "", "", "", "pod-2"}, kFirst, kFirst + 5000);
  expected.merge(Expected({Kind::kNode, "node-b", "", "", ""}, kFirst, kFirst + 5000));
  expected.merge(Expected({Kind::kCluster, "", "", "", ""}, kFirst, kFirst + 5000));
  CHECK((TableOf(slices.value()) == expected));
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: who is known, and when") {
  CHECK(archive.Members(kPods, 0, INT64_MAX).value().size() == 20);
  CHECK(archive.Members(kPods, kEnd + kTouchSeconds, INT64_MAX).value().empty());
  CHECK(archive.Members(kPods, 0, kFirst - 10'000).value().empty());
  for (const Selector& selector : SomeSelectors()) {
    CHECK(archive.Knows(selector).value() == !Expected(selector, 0, INT64_MAX).empty());
  }
  CHECK(archive.NewestSeconds(INT64_MAX).value() == kEnd - kInterval);
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: what is written later is seen") {
  CHECK(archive.Select(kPods, kEnd, INT64_MAX, series::kAllFields, kNoLimit).value().empty());
  Seal(Cluster(25), kEnd, 100);
  CHECK((TableOf(archive.Select(kPods, kEnd, INT64_MAX, series::kAllFields, kNoLimit).value()) ==
         Expected(kPods, kEnd, INT64_MAX)));
  CHECK(archive.NewestSeconds(INT64_MAX).value() == kEnd + 990);
  Seal(Cluster(25), kFirst - 20'000, 100);  // before all parts that there were
  CHECK((TableOf(archive.Select(kPods, 0, kFirst - 10'000, series::kAllFields, kNoLimit).value()) ==
         Expected(kPods, 0, kFirst - 10'000)));
}

TEST_CASE_FIXTURE(ArchiveFixture, "Archive: what is last known") {
  const auto any = [](const Member& /*member*/) { return true; };
  for (const Kind kind : {Kind::kPod, Kind::kNode, Kind::kNamespace, Kind::kCluster}) {
    const auto newest = archive.Newest(kind, kEnd - 100, INT64_MAX, any);
    REQUIRE(newest.ok());
    const Table stored = Expected({kind, "", "", "", ""}, 0, INT64_MAX);
    CHECK(!newest.value().empty());
    for (const SeriesSlice& slice : newest.value()) {
      const auto last = std::prev(stored.upper_bound({*slice.member, INT64_MAX}));
      CHECK(slice.times_seconds.back() == last->first.second);
      CHECK((slice.points.back() == last->second));
      if (kind == Kind::kPod) CHECK(slice.points.size() == 1);
      for (const series::FieldInfo& info : series::kFields) {  // some older point has each total
        if (kind == Kind::kPod || info.field_class != series::FieldClass::kTotal) continue;
        CHECK(std::any_of(slice.points.begin(), slice.points.end(),
                          [&](const Point& point) { return point.Has(info.field); }));
      }
    }
  }
  CHECK(archive.Newest(Kind::kPod, kEnd + kTouchSeconds, INT64_MAX, any).value().empty());
  CHECK(
      NamesOf(archive.Newest(Kind::kNode, 0, INT64_MAX, [](const Member& m) { return m.node == "node-b"; }).value()) ==
      "node-b ");
}

TEST_CASE_FIXTURE(StoredFixture, "Archive: an empty database, and none") {
  CHECK(archive.Select(kPods, 0, INT64_MAX, series::kAllFields, kNoLimit).value().empty());
  CHECK(!archive.Knows(kPods).value());
  CHECK(!archive.NewestSeconds(INT64_MAX).value());
  CHECK(archive.Members(kPods, 0, INT64_MAX).value().empty());
  const auto refused = Archive(dir.path() + "/none.db", kInterval).Select(kPods, 0, 1, series::kAllFields, kNoLimit);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kIo);
  CHECK(refused.error().message.find(dir.path() + "/none.db: ") == 0);
}
