// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_rows.h"

#include <doctest/doctest.h>

#include "aggregator/store/schema.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

struct RowsFixture {
  cloudmon::test::TempDir dir;
  Result<Connection> opened = OpenForWriting(dir.path() + "/test.db", 10);
  Connection& db = opened.value();
  Result<BucketReader> opened_reader = BucketReader::Open(db);
  BucketReader& reader = opened_reader.value();
  Result<BucketWriter> opened_writer = BucketWriter::Open(db);
  BucketWriter& writer = opened_writer.value();

  [[nodiscard]] Table Stored(std::int64_t time) {
    Table table;
    const auto bucket = reader.Read(time);
    REQUIRE(bucket.ok());
    CHECK(bucket.value().time_seconds == time);
    AddTo(table, bucket.value());
    return table;
  }
  static Table TableOf(const series::Bucket& bucket) {
    Table table;
    AddTo(table, bucket);
    return table;
  }
};

}  // namespace

TEST_CASE_FIXTURE(RowsFixture, "A bucket that was written is read") {
  CHECK(Stored(kFirst).empty());
  for (std::int64_t t = kFirst; t < kFirst + 1000; t += 10) {
    REQUIRE(writer.Write(Cluster(8).At(t)).ok());  // other objects each time
    writer.Committed();
  }
  for (std::int64_t t = kFirst; t < kFirst + 1000; t += 10) CHECK((Stored(t) == TableOf(Cluster(8).At(t))));
  CHECK(db.QueryInt("SELECT count(*) FROM series").value() == 2 + 8 + 3 + 1);
}

TEST_CASE_FIXTURE(RowsFixture, "Written again, a bucket is replaced; an older one is refused") {
  REQUIRE(writer.Write(Cluster(8).At(kFirst)).ok());
  REQUIRE(writer.Write({kFirst, {}}).ok());
  CHECK(Stored(kFirst).empty());
  const Status refused = writer.Write(Cluster(8).At(kFirst - 10));
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kInvalid);
}

TEST_CASE_FIXTURE(RowsFixture, "Damaged documents and unknown series are left out") {
  REQUIRE(writer.Write(Cluster(8).At(kFirst)).ok());
  REQUIRE(
      db.Execute("UPDATE bucket SET doc = 'x' WHERE kind = 'pods'; DELETE FROM series WHERE kind = 'namespace';").ok());
  Table expected = TableOf(Cluster(8).At(kFirst));
  std::erase_if(expected, [](const auto& item) {
    return item.first.first.kind == Kind::kPod || item.first.first.kind == Kind::kNamespace;
  });
  REQUIRE(!expected.empty());
  CHECK((Stored(kFirst) == expected));
}

TEST_CASE_FIXTURE(RowsFixture, "Errors of the database are errors") {
  REQUIRE(db.Execute("DROP TABLE bucket").ok());
  CHECK(!reader.Read(kFirst).ok());
  CHECK(!writer.Write(Cluster(8).At(kFirst)).ok());
}
