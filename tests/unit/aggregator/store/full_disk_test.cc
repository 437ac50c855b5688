// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/aggregator/store/fixture.h"
#include "tests/unit/aggregator/store/small_disk.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

Table TableFrom(Table table, std::int64_t time_seconds) {
  std::erase_if(table, [time_seconds](const auto& item) { return item.first.second < time_seconds; });
  return table;
}

}  // namespace

TEST_CASE_FIXTURE(StoreFixture, "A full disk: buckets stay in memory and are written when there is room") {
  const SmallDisk disk(dir.MakeDir("disk"));
  if (!disk.mounted()) {
    MESSAGE("skipped: mounting a small file system needs root");
    return;
  }
  options.path = dir.path() + "/disk/data";
  const std::string filler = dir.path() + "/disk/filler";
  const Cluster cluster(40);
  Table expected;
  std::int64_t t = kFirst;
  {
    const auto store = Open();
    auto append = [&] {
      store->Append(cluster.At(t));
      AddTo(expected, cluster.At(t));
      t += 10;
    };
    for (int i = 0; i < 5; ++i) append();
    WaitWritten(*store);
    {
      std::ofstream out(filler, std::ios::binary);
      while (out << std::string(4096, 'x') << std::flush) {
      }
    }
    REQUIRE(Eventually([&] {
      append();
      return store->Stats().write_failures >= 3;
    }));
    CHECK(store->Stats().write_queue > 0);
    CHECK(store->Stats().available_bytes.value() < 65'536);
    CHECK(store->Stats().buckets_lost == 0);
    CHECK((Everything(*store) == expected));
    CHECK(store->NewestBucket() == t - 10);

    std::filesystem::remove(filler);
    WaitWritten(*store);  // by itself, without another bucket
    CHECK((Everything(*store) == expected));
    CHECK(store->Stats().available_bytes.value() > 65'536);
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(StoreFixture,
                  "A start on a full disk: what is stored is there, and buckets are written when there is room") {
  const SmallDisk disk(dir.MakeDir("disk"));
  if (!disk.mounted()) {
    MESSAGE("skipped: mounting a small file system needs root");
    return;
  }
  options.path = dir.path() + "/disk/data";
  const std::string filler = dir.path() + "/disk/filler";
  Table expected;
  const auto append = [&](Store& store, std::int64_t t) {
    store.Append(Cluster(40).At(t));
    AddTo(expected, Cluster(40).At(t));
  };
  {
    const auto store = Open();
    for (int i = 0; i < 50; ++i) append(*store, kFirst + 10 * i);
  }
  {
    std::ofstream out(filler, std::ios::binary);
    while (out << std::string(4096, 'x') << std::flush) {
    }
  }
  SUBCASE("all fits into memory") {}
  SUBCASE("what does not would be sealed") {
    options.head_points = 10 * 46;
  }
  {
    const auto store = Open();
    REQUIRE(store->NewestBucket() == kFirst + 490);
    append(*store, kFirst + 500);
    REQUIRE(Eventually([&] { return store->Stats().write_failures >= 2; }));
    CHECK(store->Stats().buckets_lost == 0);
    CHECK((Everything(*store, kFirst + 450) == TableFrom(expected, kFirst + 450)));
    std::filesystem::remove(filler);
    WaitWritten(*store);
    append(*store, kFirst + 510);
    WaitWritten(*store);
    CHECK(Eventually([&] { return Everything(*store) == expected; }));
  }
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(StoreFixture, "A full disk for longer than memory lasts: the oldest are lost and counted") {
  const SmallDisk disk(dir.MakeDir("disk"));
  if (!disk.mounted()) {
    MESSAGE("skipped: mounting a small file system needs root");
    return;
  }
  options.path = dir.path() + "/disk/data";
  options.head_points = 10 * 46;
  const Cluster cluster(40);
  const auto store = Open();
  store->Append(cluster.At(kFirst));
  WaitWritten(*store);
  {
    std::ofstream out(dir.path() + "/disk/filler", std::ios::binary);
    while (out << std::string(4096, 'x') << std::flush) {
    }
  }
  std::int64_t t = kFirst;
  REQUIRE(Eventually([&] {
    store->Append(cluster.At(t += 10));
    return store->Stats().buckets_lost >= 20;
  }));
  CHECK(store->Stats().write_queue <= 14);
  CHECK(store->NewestBucket() == t);
  std::filesystem::remove(dir.path() + "/disk/filler");
  WaitWritten(*store);
}
