// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/series_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "aggregator/store/schema.h"
#include "aggregator/store/select.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

struct SeriesFixture {
  cloudmon::test::TempDir dir;
  Connection db = std::move(OpenForWriting(dir.path() + "/cloud-monitor.db", 10)).value();
  SeriesTable table = std::move(SeriesTable::Open(db)).value();

  std::int64_t Use(const Member& member, std::int64_t first, std::int64_t last) {
    const auto id = table.Use(member, first, last);
    REQUIRE_MESSAGE(id.ok(), (id.ok() ? "" : id.error().message));
    return id.value();
  }
  std::vector<Member> Found(const Selector& selector, std::int64_t start = 0, std::int64_t end = INT64_MAX) {
    const auto found = table.Find(selector, start, end);
    REQUIRE_MESSAGE(found.ok(), (found.ok() ? "" : found.error().message));
    std::vector<Member> members;
    for (const StoredSeries& stored : found.value()) members.push_back(*stored.member);
    return members;
  }
  void DeleteAll(std::int64_t oldest_seconds) {
    for (int steps = 0; steps < 1'000; ++steps) {
      const auto more = table.DeleteStep(oldest_seconds);
      REQUIRE(more.ok());
      if (!more.value()) return;
    }
    FAIL("DeleteStep() does not end");
  }
  std::int64_t Query(const std::string& sql) { return db.QueryInt(sql).value(); }
};

// Alike names of all kinds. "plumless" and "buckeroo" have the same CRC-32.
const std::vector<Member>& SomeMembers() {
  static const std::vector<Member> kMembers{
      {Kind::kNode, "a", "", "", ""},
      {Kind::kNode, "b", "", "", ""},
      {Kind::kPod, "a", "a", "a", "a"},
      {Kind::kPod, "a", "a", "", "a"},
      {Kind::kPod, "b", "a", "a", "a"},
      {Kind::kPod, "a", "b", "a", "a"},
      {Kind::kPod, "a", "b", "d", "plumless"},
      {Kind::kPod, "a", "b", "d", "buckeroo"},
      {Kind::kPod, "", "", "", ""},
      {Kind::kPod, "it's \"one\" %_", std::string("nul\0", 4), "\xC3\xA9", "; DROP TABLE series"},
      {Kind::kNamespace, "", "a", "", ""},
      {Kind::kNamespace, "", "plumless", "", ""},
      {Kind::kNamespace, "", "buckeroo", "", ""},
      {Kind::kDeployment, "", "a", "a", ""},
      {Kind::kDeployment, "", "b", "a", ""},
      {Kind::kCluster, "", "", "", ""},
  };
  return kMembers;
}

}  // namespace

TEST_CASE_FIXTURE(SeriesFixture, "Each member has a number of its own, the same every time") {
  std::vector<std::int64_t> ids;
  for (const Member& member : SomeMembers()) ids.push_back(Use(member, 1'000, 1'000));
  CHECK(std::set(ids.begin(), ids.end()).size() == SomeMembers().size());
  CHECK(*std::min_element(ids.begin(), ids.end()) > 0);
  table = std::move(SeriesTable::Open(db)).value();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    CAPTURE(i);
    CHECK(Use(SomeMembers()[i], 1'000, 1'000) == ids[i]);
    const auto found = table.Find(SomeMembers()[i]);
    REQUIRE(found.ok());
    REQUIRE(found.value());
    CHECK(found.value()->id == ids[i]);
    CHECK((*found.value()->member == SomeMembers()[i]));
    const auto member = table.MemberOf(ids[i]);
    REQUIRE(member.ok());
    REQUIRE(member.value());
    CHECK((*member.value() == SomeMembers()[i]));
  }
  const auto none = table.Find(Member{Kind::kNode, "c", "", "", ""});
  CHECK((none.ok() && !none.value()));
  for (const std::int64_t id : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'000}, INT64_MAX}) {
    const auto member = table.MemberOf(id);
    CHECK((member.ok() && member.value() == nullptr));
  }
}

TEST_CASE_FIXTURE(SeriesFixture, "Use widens a row's times and never narrows them") {
  const Member pod{Kind::kPod, "n", "ns", "", "p"};
  const std::int64_t id = Use(pod, 5'000, 6'000);
  const auto is = [&](std::int64_t first, std::int64_t last) {
    const auto found = table.Find(pod);
    REQUIRE((found.ok() && found.value()));
    CHECK(found.value()->first_seconds == first);
    CHECK(found.value()->last_seconds == last);
  };
  is(5'000, 6'000);
  CHECK(Use(pod, 5'500, 5'600) == id);
  is(5'000, 6'000);
  CHECK(Use(pod, 4'000, 4'000) == id);
  is(4'000, 6'000);
  CHECK(Use(pod, 7'000, 7'000) == id);
  is(4'000, 7'000);
  CHECK(Use(pod, 0, 9'000) == id);
  is(0, 9'000);
  CHECK(Query("SELECT count(*) FROM series") == 1);
}

TEST_CASE_FIXTURE(SeriesFixture, "Selectors find what matches, in the order of members") {
  for (auto member = SomeMembers().rbegin(); member != SomeMembers().rend(); ++member) Use(*member, 1'000, 1'000);
  const std::vector<std::string> names{"", "a", "b", "d", "plumless", "buckeroo", "none"};
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    for (std::size_t i = 0; i < names.size() * names.size() * names.size() * names.size(); ++i) {
      const auto name = [&](std::size_t divisor) { return names[i / divisor % names.size()]; };
      const Selector selector{static_cast<Kind>(kind), name(1), name(7), name(49), name(343)};
      std::vector<Member> expected;
      for (const Member& member : SomeMembers()) {
        if (Matches(selector, member)) expected.push_back(member);
      }
      std::sort(expected.begin(), expected.end());
      if (Found(selector) != expected) {
        CAPTURE(kind);
        CAPTURE(i);
        FAIL_CHECK("another set of members");
      }
    }
  }
}

TEST_CASE_FIXTURE(SeriesFixture, "A selector finds members that may have points in the range") {
  const Member pod{Kind::kPod, "n", "ns", "", "p"};
  Use(pod, 10'000, 20'000);  // points until before 23600
  for (const Selector& selector : {Selector{Kind::kPod, "", "", "", ""}, Selector{Kind::kPod, "", "", "", "p"}}) {
    CHECK(Found(selector, 0, 10'000).empty());
    CHECK(Found(selector, 0, 10'001).size() == 1);
    CHECK(Found(selector, 23'599, INT64_MAX).size() == 1);
    CHECK(Found(selector, 23'600, INT64_MAX).empty());
    CHECK(Found(selector, 12'000, 12'010).size() == 1);
    CHECK(Found(selector, INT64_MIN, INT64_MAX).size() == 1);
    CHECK(Found(selector, INT64_MIN, INT64_MIN).empty());
    CHECK(Found(selector, INT64_MAX, INT64_MAX).empty());
  }
}

TEST_CASE_FIXTURE(SeriesFixture, "Look-ups by name and by kind go by the index, those of all pods do not") {
  Use({Kind::kPod, "n", "ns", "d", "p"}, 0, 0);
  // The statements name the index, so that none can be made where SQLite would not use it.
  REQUIRE(db.Execute("DROP INDEX series_name").ok());
  CHECK(!SeriesTable::Open(db).ok());
  CHECK(!table.Find(Member{Kind::kPod, "n", "ns", "d", "p"}).ok());
  CHECK(!table.Find({Kind::kPod, "", "", "", "p"}, 0, INT64_MAX).ok());
  CHECK(!table.Find({Kind::kDeployment, "", "", "d", ""}, 0, INT64_MAX).ok());
  CHECK(!table.Find({Kind::kNode, "", "", "", ""}, 0, INT64_MAX).ok());
  CHECK(!table.Find({Kind::kCluster, "", "", "", ""}, 0, INT64_MAX).ok());
  CHECK(Found({Kind::kPod, "", "", "", ""}).size() == 1);
  CHECK(Found({Kind::kPod, "", "ns", "d", ""}).size() == 1);
}

TEST_CASE_FIXTURE(SeriesFixture, "A row of an unknown kind is nobody") {
  Use({Kind::kNode, "n", "", "", ""}, 0, 0);
  REQUIRE(db.Execute("UPDATE series SET kind = 'house'").ok());
  const auto member = table.MemberOf(1);
  CHECK((member.ok() && member.value() == nullptr));
  CHECK(Found({Kind::kNode, "", "", "", ""}).empty());
}

TEST_CASE_FIXTURE(SeriesFixture, "Pods have numbers of their own, and both end") {
  const Member pod{Kind::kPod, "n", "ns", "", "p"};
  const Member node{Kind::kNode, "m", "", "", ""};
  CHECK(Use(pod, 0, 0) == 1 << 24);
  CHECK(Use(node, 0, 0) == 1);
  const auto next_after = [&](std::int64_t id, const Member& member) {
    REQUIRE(db.Execute("DELETE FROM series").ok());
    Use({member.kind, "other", "", "", "other"}, 0, 0);
    REQUIRE(db.Execute("UPDATE series SET id = " + std::to_string(id)).ok());
    return table.Use(member, 0, 0);
  };
  for (const auto& [member, last] :
       {std::pair{pod, std::int64_t{4'294'967'295}}, std::pair{node, std::int64_t{16'777'215}}}) {
    CHECK(next_after(last - 1, member).value() == last);
    const auto none = next_after(last, member);
    REQUIRE(!none.ok());
    CHECK(none.error().code == ErrorCode::kLimit);
  }
}

TEST_CASE_FIXTURE(SeriesFixture, "Rows go when their series cannot have points any more") {
  const Member pod{Kind::kPod, "n", "ns", "", "p"};
  const Member node{Kind::kNode, "n", "", "", ""};
  Use(pod, 10'000, 20'000);
  const std::int64_t id = Use(node, 10'000, 90'000);
  DeleteAll(20'000 + kTouchSeconds);
  CHECK(Found({Kind::kPod, "", "", "", "p"}).size() == 1);
  DeleteAll(20'001 + kTouchSeconds);
  CHECK(Found({Kind::kPod, "", "", "", "p"}).empty());
  CHECK(Use(node, 10'000, 90'000) == id);
  CHECK(Use(pod, 90'000, 90'000) != id);
  DeleteAll(0);
  CHECK(Query("SELECT count(*) FROM series") == 2);
  DeleteAll(INT64_MAX);
  CHECK(Query("SELECT count(*) FROM series") == 0);
  DeleteAll(INT64_MAX);
}

TEST_CASE_FIXTURE(SeriesFixture, "100,000 pods that came and went are deleted in steps that skip what is not there") {
  constexpr std::int64_t kPods = 100'000;
  Transaction transaction(db);
  REQUIRE(transaction.Begin().ok());
  for (std::int64_t i = 0; i < kPods; ++i) {
    const std::int64_t time = i * 10;
    Use({Kind::kPod, "n", "ns", "d", "pod-" + std::to_string(i)}, time, time);
  }
  Use({Kind::kNode, "n", "", "", ""}, 0, kPods * 10);
  REQUIRE(transaction.Commit().ok());
  const std::int64_t oldest = kPods * 10 / 2 + kTouchSeconds;
  int steps = 1;
  std::int64_t rows = Query("SELECT count(*) FROM series");
  for (;; ++steps) {
    const auto more = table.DeleteStep(oldest);
    REQUIRE(more.ok());
    const std::int64_t left = Query("SELECT count(*) FROM series");
    CHECK(rows - left <= 10'000);
    rows = left;
    if (!more.value()) break;
  }
  CHECK(steps == 11);
  CHECK(rows == kPods / 2 + 1);
  CHECK(Found({Kind::kPod, "", "", "", "pod-49999"}).empty());
  CHECK(Found({Kind::kPod, "", "", "", "pod-50000"}).size() == 1);
  for (steps = 1; table.DeleteStep(oldest).value(); ++steps) {
  }
  CHECK(steps == 6);
  CHECK(Query("SELECT count(*) FROM series") == kPods / 2 + 1);
}
