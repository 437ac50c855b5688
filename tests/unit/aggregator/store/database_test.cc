// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"

using namespace cloudmon;
using namespace cloudmon::store;

TEST_CASE("Statements bind, step and reset; transactions roll back unless committed") {
  const cloudmon::test::TempDir dir;
  Connection db = std::move(Connection::Open(dir.path() + "/db", Connection::Mode::kReadWrite)).value();
  REQUIRE(db.Execute("CREATE TABLE t(a INTEGER UNIQUE, b TEXT)").ok());
  Statement insert = std::move(db.Prepare("INSERT INTO t VALUES(?1, ?2)")).value();
  {
    Transaction transaction(db);
    REQUIRE(transaction.Begin().ok());
    REQUIRE(insert.Bind(1, 1).Bind(2, "lost").Run().ok());
  }
  {
    Transaction transaction(db);
    REQUIRE(transaction.Begin().ok());
    REQUIRE(insert.Bind(1, 1).Bind(2, "x'; --").Run().ok());
    const Status twice = insert.Run();
    REQUIRE(!twice.ok());
    CHECK(twice.error().code == ErrorCode::kIo);
    REQUIRE(insert.Bind(1, INT64_MIN).Bind(2, "").Run().ok());
    REQUIRE(transaction.Commit().ok());
  }
  Statement select = std::move(db.Prepare("SELECT a, b FROM t ORDER BY a")).value();
  REQUIRE(select.Step().value());
  CHECK(select.Int(0) == INT64_MIN);
  CHECK(select.Text(1).empty());
  REQUIRE(select.Step().value());
  CHECK(select.Text(1) == "x'; --");
  CHECK(!select.Step().value());
  CHECK(db.QueryInt("SELECT count(*) FROM t").value() == 2);
  CHECK(db.QueryText("SELECT b FROM t WHERE a = 7").error().code == ErrorCode::kNotFound);
  CHECK(!insert.Bind(3, 1).Run().ok());  // no such parameter
  CHECK(insert.Bind(1, 5).Run().ok());
}

TEST_CASE("Errors say what kind they are") {
  const cloudmon::test::TempDir dir;
  CHECK(Connection::Open(dir.path() + "/none", Connection::Mode::kReadOnly).error().code == ErrorCode::kDenied);
  Connection garbage =
      std::move(Connection::Open(dir.Write("garbage", std::string(5000, 'x')), Connection::Mode::kReadWrite)).value();
  CHECK(garbage.QueryInt("SELECT count(*) FROM sqlite_master").error().code == ErrorCode::kParse);
  Connection db = std::move(Connection::Open(dir.path() + "/db", Connection::Mode::kReadWrite)).value();
  CHECK(db.Execute("CREATE NONSENSE").error().code == ErrorCode::kIo);
  CHECK(db.Prepare("SELECT * FROM missing").error().message.find("missing") != std::string::npos);
}
