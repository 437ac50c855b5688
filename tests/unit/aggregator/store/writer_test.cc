// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/writer.h"

#include <doctest/doctest.h>

#include "aggregator/store/schema.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

// A writer whose database another connection can hold up.
struct BusyFixture : StoreFixture {
  std::string file = dir.path() + "/test.db";
  Connection db = std::move(OpenForWriting(file, 10)).value();
  Connection other = std::move(Connection::Open(file, Connection::Mode::kReadWrite)).value();
  Head head{1000};
  std::unique_ptr<Writer> writer;

  void Start(std::chrono::milliseconds job_timeout) {
    const WriterOptions writing{.retention_seconds = 1'000'000'000, .head_points = 1000, .job_timeout = job_timeout};
    writer = std::move(Writer::Start(std::move(db), head, clock, writing)).value();
  }
  [[nodiscard]] std::int64_t Parts() { return other.QueryInt("SELECT count(*) FROM part").value(); }
};

}  // namespace

TEST_CASE_FIXTURE(BusyFixture, "A bucket that takes longer to be written than anyone waits is not lost") {
  Start(std::chrono::milliseconds(50));
  REQUIRE(other.Execute("BEGIN IMMEDIATE").ok());
  const Status busy = writer->ReplaceSealed(Cluster(3).At(kFirst));
  REQUIRE(!busy.ok());
  CHECK(busy.error().code == ErrorCode::kIo);
  CHECK(busy.error().message.find("may still be written") != std::string::npos);
  CHECK(writer->Stats().buckets_lost == 0);
  REQUIRE(other.Execute("COMMIT").ok());
  CHECK(Eventually([&] { return Parts() > 0; }));
  CHECK(writer->ReplaceSealed(Cluster(3).At(kFirst + 10)).ok());
  CHECK(writer->Stats().buckets_lost == 0);
}

TEST_CASE_FIXTURE(BusyFixture, "A bucket that cannot be written in the end is lost, once it is known") {
  Start(std::chrono::milliseconds(50));
  REQUIRE(other.Execute("CREATE TRIGGER refuse BEFORE INSERT ON part BEGIN SELECT RAISE(ABORT, 'no room'); END").ok());
  REQUIRE(other.Execute("BEGIN IMMEDIATE").ok());
  REQUIRE(!writer->ReplaceSealed(Cluster(3).At(kFirst)).ok());
  // Waits behind the first one, and is taken back.
  const Status waited = writer->ReplaceSealed(Cluster(3).At(kFirst + 10));
  REQUIRE(!waited.ok());
  CHECK(waited.error().message.find("may still be written") == std::string::npos);
  CHECK(writer->Stats().buckets_lost == 1);
  REQUIRE(other.Execute("COMMIT").ok());
  CHECK(Eventually([&] { return writer->Stats().buckets_lost == 2; }));
  CHECK(Parts() == 0);
}
