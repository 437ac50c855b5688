// SPDX-License-Identifier: Apache-2.0
// Databases that cannot be used are set aside, and an empty one is begun.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "aggregator/store/database.h"
#include "aggregator/store/directory.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;
namespace fs = std::filesystem;

namespace {

struct DamageFixture : StoreFixture {
  Table stored;

  DamageFixture() {
    const auto store = Open();
    for (std::int64_t t = kFirst; t < kFirst + 200; t += 10) {
      store->Append(Cluster(50).At(t));
      AddTo(stored, Cluster(50).At(t));
      WaitWritten(*store);
    }
  }

  [[nodiscard]] std::size_t SetAsideCount() const {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(options.path)) {
      const std::string name = entry.path().filename().string();
      count += name.find("cloud-monitor.db.damaged-4000000000") == 0 ? 1 : 0;
    }
    return count;
  }

  // The store opens, empty, works, and what was there is kept under another name.
  void CheckSetAside() {
    const std::uintmax_t bytes = fs::file_size(File());
    {
      const auto store = Open();
      CHECK(Everything(*store).empty());
      CHECK(SetAsideCount() >= 1);
      store->Append(Cluster(2).At(kFirst));
    }
    CHECK(fs::file_size(File() + ".damaged-4000000000") == bytes);
    Table expected;
    AddTo(expected, Cluster(2).At(kFirst));
    CHECK((Everything(*Open()) == expected));
  }

  void Overwrite(std::uintmax_t offset, const std::string& bytes) const {
    std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
    REQUIRE(file.good());
  }

  void Execute(const std::string& sql) const {
    Connection db = std::move(Connection::Open(File(), Connection::Mode::kReadWrite)).value();
    REQUIRE(db.Execute(sql).ok());
  }
};

}  // namespace

TEST_CASE_FIXTURE(DamageFixture, "An untouched database is not set aside") {
  CHECK((Everything(*Open()) == stored));
  CHECK(SetAsideCount() == 0);
}

TEST_CASE_FIXTURE(DamageFixture, "Garbage instead of a header") {
  Overwrite(0, std::string(100, '?'));
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "A file of something else") {
  std::ofstream(File(), std::ios::binary | std::ios::trunc) << "not a database at all, but long enough to be looked at";
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "Truncated") {
  fs::resize_file(File(), fs::file_size(File()) / 2);
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "One page zeroed, wherever it is in use") {
  const std::string whole = cloudmon::test::ReadText(File());
  const std::size_t pages = whole.size() / 4096;
  std::size_t set_aside = 0;
  for (std::size_t page = 1; page < pages; page += 7) {
    CAPTURE(page);
    Overwrite(0, whole);
    Overwrite(page * 4096, std::string(4096, '\0'));
    clock.Advance(1000);
    const auto store = Open();  // whatever page it is, it opens
    const Table left = Everything(*store);
    for (const auto& [key, point] : left) CHECK((stored.at(key) == point));  // and says nothing wrong
    set_aside += left.empty() ? 1 : 0;
  }
  CHECK(set_aside > 0);
}

TEST_CASE_FIXTURE(DamageFixture, "Tables missing") {
  Execute("DROP TABLE bucket");
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "Columns missing") {
  Execute("ALTER TABLE series DROP COLUMN last_time");
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "A database without our meta table") {
  Execute("DROP TABLE meta");
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "A newer format") {
  Execute("UPDATE meta SET value = '3' WHERE key = 'format'");
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "An interval that is not a number") {
  Execute("UPDATE meta SET value = 'ten' WHERE key = 'interval_seconds'");
  CheckSetAside();
}

TEST_CASE_FIXTURE(DamageFixture, "Damaged blobs and members leave a gap, the rest stays") {
  const std::int64_t newest = stored.rbegin()->first.second;
  Execute("UPDATE bucket SET document = substr(document, 1, 40) WHERE time = " + std::to_string(newest));
  Execute("DELETE FROM series WHERE pod = 'pod-3'");
  std::erase_if(stored, [newest](const auto& item) {
    const auto& [member, time] = item.first;
    return member.pod == "pod-3" || time == newest;
  });
  CHECK((Everything(*Open()) == stored));
  options.head_points = 1;
  CHECK((Everything(*Open()) == stored));
}

TEST_CASE_FIXTURE(DamageFixture, "SetAside takes the -wal and -shm along and never overwrites") {
  for (int i = 0; i < 2; ++i) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::ofstream(File() + suffix) << i;
    CHECK(SetAside(File(), 5).ok());
  }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    CHECK(cloudmon::test::ReadText(File() + ".damaged-5" + suffix) == "0");
    CHECK(cloudmon::test::ReadText(File() + ".damaged-5-2" + suffix) == "1");
    CHECK(!fs::exists(File() + suffix));
  }
}
