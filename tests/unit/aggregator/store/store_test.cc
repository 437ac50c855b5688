// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/store.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "aggregator/series/bucketer.h"
#include "aggregator/store/database.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

TEST_CASE_FIXTURE(StoreFixture, "An empty store") {
  const auto store = Open();
  CHECK(!store->NewestBucket());
  CHECK(Everything(*store).empty());
  CHECK(store->Tail().empty());
  CHECK(!store->Knows({Kind::kPod, "", "", "", ""}));
  const StoreStats stats = store->Stats();
  CHECK(stats.oldest_bucket_seconds == 0);
  CHECK(stats.newest_bucket_seconds == 0);
  CHECK(stats.database_bytes > 0);
  REQUIRE(stats.available_bytes);
  CHECK(*stats.available_bytes <= std::filesystem::space(options.path).capacity);
}

TEST_CASE_FIXTURE(StoreFixture, "What was appended is there: at once, after a restart, and beyond what memory holds") {
  const Cluster cluster(20);
  options.head_points = 10 * 27;  // about ten buckets of fifty
  Table expected;
  {
    const auto store = Open();
    for (std::int64_t t = kFirst; t < kFirst + 500; t += 10) {
      AddTo(expected, cluster.At(t));
      store->Append(cluster.At(t));
      REQUIRE(store->NewestBucket() == t);
      WaitWritten(*store);  // else the small memory drops buckets before they are written
    }
    CHECK((Everything(*store) == expected));
    const StoreStats stats = store->Stats();
    CHECK(stats.buckets_written == 50);
    CHECK(stats.write_failures == 0);
    CHECK(stats.buckets_lost == 0);
    CHECK(stats.head_points <= options.head_points);
    CHECK(stats.oldest_bucket_seconds == kFirst);
    CHECK(stats.newest_bucket_seconds == kFirst + 490);
  }
  for (const std::size_t points : {options.head_points, std::size_t{1}, std::size_t{100'000}}) {
    options.head_points = points;
    const auto store = Open();
    CHECK((Everything(*store) == expected));
    CHECK(store->NewestBucket() == kFirst + 490);
    CHECK(store->Stats().oldest_bucket_seconds == kFirst);
    for (const auto& [start, end] : {std::pair{kFirst + 100, kFirst + 110}, {kFirst + 377, kFirst + 433}}) {
      Table part = expected;
      std::erase_if(part,
                    [s = start, e = end](const auto& item) { return item.first.second < s || item.first.second >= e; });
      CHECK((Everything(*store, start, end) == part));
    }
  }
}

TEST_CASE_FIXTURE(StoreFixture, "A store goes on after a restart with the same series") {
  const Cluster cluster(20);
  Table expected;
  for (std::int64_t t = kFirst; t < kFirst + 100; t += 10) {  // a restart after each bucket
    const auto store = Open();
    AddTo(expected, cluster.At(t));
    store->Append(Cluster(20).At(t));  // other objects each time
    CHECK((Everything(*store) == expected));
  }
  Connection db = std::move(Connection::Open(File(), Connection::Mode::kReadOnly)).value();
  CHECK(db.QueryInt("SELECT count(*) FROM series").value() == 2 + 20 + 3 + 1 + 1);
  CHECK(db.QueryInt("SELECT count(*) FROM bucket").value() == 10);
  CHECK(db.QueryText("PRAGMA integrity_check").value() == "ok");
  CHECK(db.QueryInt("PRAGMA auto_vacuum").value() == 2);
  CHECK(db.QueryInt("PRAGMA page_size").value() == 16384);
  CHECK(db.QueryText("PRAGMA journal_mode").value() == "wal");
}

TEST_CASE_FIXTURE(StoreFixture, "The same bucket again replaces, in memory and in the database") {
  const Cluster cluster(4);
  series::Bucket again = cluster.At(kFirst + 500);
  again.time_seconds = kFirst;
  Table expected;
  AddTo(expected, again);
  {
    const auto store = Open();
    store->Append(cluster.At(kFirst));
    store->Append(again);
    CHECK((Everything(*store) == expected));
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(StoreFixture, "Select: selectors and limit over memory and database") {
  const Cluster cluster(30);
  options.head_points = 5 * 37;
  Table all;
  const auto store = Open();
  for (std::int64_t t = kFirst; t < kFirst + 200; t += 10) {
    store->Append(cluster.At(t));
    AddTo(all, cluster.At(t));
    WaitWritten(*store);
  }
  for (const Selector& selector : {Selector{Kind::kPod, "", "", "", "pod-7"},
                                   {Kind::kPod, "node-a", "ns0", "", ""},
                                   {Kind::kPod, "", "", "d1", ""},
                                   {Kind::kCluster, "", "", "", ""},
                                   {Kind::kNamespace, "", "ns1", "", ""},
                                   {Kind::kNode, "node-b", "", "", ""},
                                   {Kind::kDeployment, "", "ns0", "d1", ""},
                                   {Kind::kPod, "", "", "", "it's \"%_"}}) {
    Table expected = all;
    std::erase_if(expected, [&](const auto& item) {
      const Member& m = item.first.first;
      return m.kind != selector.kind || (!selector.node.empty() && m.node != selector.node) ||
             (!selector.ns.empty() && m.ns != selector.ns) || (!selector.pod.empty() && m.pod != selector.pod) ||
             (!selector.deployment.empty() && m.deployment != selector.deployment);
    });
    const auto got = store->Select(selector, kFirst, kFirst + 200, series::kAllFields, expected.size());
    REQUIRE(got.ok());
    CHECK((TableOf(got.value()) == expected));
    for (std::size_t i = 1; i < got.value().size(); ++i) CHECK(*got.value()[i - 1].member < *got.value()[i].member);
    if (expected.empty()) continue;
    const auto refused = store->Select(selector, kFirst, kFirst + 200, series::kAllFields, expected.size() - 1);
    REQUIRE(!refused.ok());
    CHECK(refused.error().code == ErrorCode::kLimit);
    CHECK(refused.error().message.find("limit is " + std::to_string(expected.size() - 1)) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(StoreFixture, "Knows: members in memory and in the database") {
  options.head_points = 1;
  {
    const auto store = Open();
    Point point;
    point.Set(Field::kPods, 1);
    store->Append({kFirst, {{Of({Kind::kPod, "n", "ns", "dep", "old"}), point}}});
    WaitWritten(*store);
    store->Append({kFirst + 10, {{Of({Kind::kPod, "n", "ns", "dep", "new"}), point}}});
  }
  const auto store = Open();
  for (const char* pod : {"old", "new", ""}) {
    CHECK(store->Knows({Kind::kPod, "", "", "", pod}));
    CHECK(store->Knows({Kind::kPod, "n", "ns", "dep", pod}));
    CHECK(!store->Knows({Kind::kPod, "other", "", "", pod}));
    CHECK(!store->Knows({Kind::kPod, "", "other", "", pod}));
  }
  CHECK(!store->Knows({Kind::kPod, "", "", "", "never"}));
  CHECK(!store->Knows({Kind::kNode, "", "", "", ""}));
}

TEST_CASE_FIXTURE(StoreFixture, "Tail: the last point of each member, however long ago") {
  Point point;
  auto bucket = [&](std::int64_t t, std::initializer_list<const char*> pods) {
    series::Bucket out{t, {}};
    for (const char* pod : pods) {
      point.Set(Field::kPods, t);
      out.entries.push_back({Of({Kind::kPod, "n", "ns", "", pod}), point});
    }
    out.entries.push_back({Of({Kind::kCluster, "", "", "", ""}), point});
    return out;
  };
  {
    const auto store = Open();
    store->Append(bucket(kFirst, {"gone", "a", "b"}));
    store->Append(bucket(kFirst + 10, {"a", "b"}));
    store->Append(bucket(kFirst + 6 * 24 * 3600, {"a"}));
  }
  const auto store = Open();
  std::map<std::string, std::int64_t> tail;
  for (const SeriesSlice& slice : store->Tail()) {
    REQUIRE(slice.points.size() == 1);
    tail[slice.member->pod] = slice.times_seconds[0];
  }
  constexpr std::int64_t kLast = kFirst + 6 * 24 * 3600;
  CHECK((tail == std::map<std::string, std::int64_t>{{"", kLast}, {"a", kLast}, {"b", kFirst + 10}, {"gone", kFirst}}));
}

TEST_CASE_FIXTURE(StoreFixture, "Tail: with the last of each total, where a newer point does not have it") {
  const auto store = Open();
  auto append = [&](std::int64_t t, std::initializer_list<Field> totals) {
    Point point;
    point.Set(Field::kMemoryBytes, t);
    for (const Field field : totals) point.Set(field, t);
    series::Bucket out{t, {}};
    for (const Kind kind : {Kind::kPod, Kind::kNode, Kind::kNamespace}) {
      out.entries.push_back(
          {Of({kind, "n", kind == Kind::kNode ? "" : "ns", "", kind == Kind::kPod ? "p" : ""}), point});
    }
    store->Append(out);
  };
  append(kFirst, {Field::kDiskReadBytes});
  append(kFirst + 10, {Field::kCpuUsageUsec, Field::kDiskReadBytes});
  append(kFirst + 20, {Field::kCpuUsageUsec});
  append(kFirst + 30, {});
  REQUIRE(store->Tail().size() == 3);
  for (const SeriesSlice& slice : store->Tail()) {
    std::vector<std::int64_t> want{kFirst + 10, kFirst + 20, kFirst + 30};
    if (slice.member->kind == Kind::kPod) want = {kFirst + 30};
    CHECK(slice.times_seconds == want);
    CHECK(slice.points.front().Has(Field::kDiskReadBytes) == (slice.member->kind != Kind::kPod));
    CHECK(slice.points.back().Get(Field::kMemoryBytes) == kFirst + 30);
  }
}

TEST_CASE_FIXTURE(StoreFixture, "A bucket older than all in memory goes to where the sealed ones are") {
  const auto store = Open();
  Table expected;
  for (const std::int64_t t : {kFirst, kFirst - 10}) {
    store->Append(Cluster(3).At(t));
    AddTo(expected, Cluster(3).At(t));
  }
  CHECK((Everything(*store) == expected));
  CHECK(store->Stats().buckets_lost == 0);
  CHECK(store->NewestBucket() == kFirst);
}

TEST_CASE_FIXTURE(StoreFixture, "A clock that was years ahead, and was set back") {
  constexpr std::int64_t kAheadSeconds = 1'000'000'000;
  const std::int64_t now = clock.NowMs() / 10'000 * 10;
  options.retention_seconds = 2 * kAheadSeconds;
  Table present, future;
  std::unique_ptr<Store> store = Open();
  const auto append = [&](Table& table, std::int64_t from, int buckets) {
    for (int i = 0; i < buckets; ++i) {
      store->Append(Cluster(4).At(from + 10 * i));
      AddTo(table, Cluster(4).At(from + 10 * i));
    }
  };
  const auto reopen = [&] {
    store.reset();
    store = Open();
  };
  append(present, now - 1000, 20);
  reopen();
  clock.Advance(kAheadSeconds * 1000);
  append(future, now + kAheadSeconds - 1000, 80);  // longer than a part
  clock.Advance(-kAheadSeconds * 1000);
  std::int64_t newest = now - 1000 + 190;
  for (int restarts = 1; restarts <= 3; ++restarts) {
    CAPTURE(restarts);
    reopen();
    CHECK(store->NewestBucket() == newest);
    for (const SeriesSlice& slice : store->Tail()) CHECK(slice.times_seconds.back() <= newest);
    CHECK(store->Tail().size() == 4 + 2 + 3 + 1 + 1);
    append(present, newest + 10, 5);
    newest += 50;
    CHECK(store->NewestBucket() == newest);
    CHECK((Everything(*store, 0, now) == present));
  }
  // When its time has come it is there.
  clock.Advance(kAheadSeconds * 1000);
  reopen();
  Table all = present;
  all.insert(future.begin(), future.end());
  CHECK((Everything(*store) == all));
}

TEST_CASE_FIXTURE(StoreFixture, "A bucketer goes on from the tail of a store that was opened again") {
  series::TargetReading page;
  page.pods.resize(1);
  page.pods[0].key = std::make_shared<const series::PodKey>(series::PodKey{"shop", "web-1", "web", "u1"});
  auto bucket_of = [&](series::Bucketer& bucketer, std::int64_t i) {
    page.pods[0].usage.cpu_usage_usec = static_cast<std::uint64_t>(1'000'000 * i);
    page.node_reading.usage.cpu_usage_usec = page.pods[0].usage.cpu_usage_usec;
    bucketer.Add("node-a", kFirst + 10 * i, (kFirst + 10 * i) * 1000 + 5000, page);
    return bucketer.Seal(kFirst + 10 * i, 0);
  };
  series::Bucketer uninterrupted(10);
  Table expected;
  for (std::int64_t i = 0; i < 6; ++i) {
    series::Bucketer bucketer(10);
    const auto store = Open();
    std::vector<std::pair<std::int64_t, series::Entry>> last;
    for (const SeriesSlice& slice : store->Tail()) {
      last.emplace_back(slice.times_seconds.back(), series::Entry{slice.member, slice.points.back()});
    }
    bucketer.Restore(last);
    store->Append(bucket_of(bucketer, i));
    AddTo(expected, bucket_of(uninterrupted, i));
  }
  for (auto& [key, point] : expected) point.Clear(Field::kCpuMillicores);  // never known just after a restart
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(StoreFixture, "Another interval is refused, naming both") {
  Open()->Append(Cluster(3).At(kFirst));
  options.interval_seconds = 30;
  const auto refused = Store::Open(options, clock);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalid);
  CHECK(refused.error().message.find("set scrape.interval to 10s, or storage.path") != std::string::npos);
  options.interval_seconds = 10;
  CHECK(!Everything(*Open()).empty());  // nothing was touched
}

TEST_CASE_FIXTURE(StoreFixture, "Two stores cannot use one directory") {
  auto store = Open();
  const auto refused = Store::Open(options, clock);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kDenied);
  CHECK(refused.error().message.find("in use by another aggregator (process ") != std::string::npos);
  store.reset();
  CHECK(Store::Open(options, clock).ok());
}

TEST_CASE_FIXTURE(StoreFixture, "A directory that cannot be made or written") {
  auto refused = [&](const std::string& path) {
    CAPTURE(path);
    options.path = path;
    const auto store = Store::Open(options, clock);
    REQUIRE(!store.ok());
    CHECK(store.error().code == ErrorCode::kDenied);
    CHECK(store.error().message.find("storage.path: cannot write to '" + path + "'") != std::string::npos);
    CHECK(store.error().message.find("or set storage.path") != std::string::npos);
  };
  const std::string file = dir.Write("file", "x");
  refused(file);
  refused(file + "/data");
  dir.MakeDir("has/lock");
  options.path = dir.path() + "/has";
  CHECK(!Store::Open(options, clock).ok());
  dir.MakeDir("taken/cloud-monitor.db");
  options.path = dir.path() + "/taken";
  const auto taken = Store::Open(options, clock);
  REQUIRE(!taken.ok());
  CHECK(taken.error().message.find("/taken/cloud-monitor.db") != std::string::npos);
  options.path = dir.path() + "/deep/er/data";
  CHECK(Store::Open(options, clock).ok());
}
