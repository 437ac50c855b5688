// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/schema.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <string>

#include "tests/support/files.h"

using namespace cloudmon;
using namespace cloudmon::store;

TEST_CASE("The page cache is as small in a file that was just made as in any other") {
  const cloudmon::test::TempDir dir;
  const std::string file = dir.path() + "/cloud-monitor.db";
  for (const char* which : {"new", "existing"}) {
    CAPTURE(which);
    const std::int64_t before = sqlite3_memory_used();
    Connection db = std::move(OpenForWriting(file, 10)).value();
    REQUIRE(db.Execute("BEGIN").ok());
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(db.Execute("INSERT INTO part(points) VALUES(zeroblob(15000))").ok());  // a page each
    }
    REQUIRE(db.Execute("COMMIT").ok());
    const std::int64_t used = sqlite3_memory_used() - before;
    CHECK(used > 1'000'000);
    CHECK(used < 3'000'000);
  }
}
