// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_writer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "aggregator/store/schema.h"
#include "tests/unit/aggregator/store/fixture.h"

using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr std::int64_t kInterval = 10;

struct WriterFixture : StoreFixture {
  std::string file = dir.MakeDir("data") + "/cloud-monitor.db";
  Connection db = std::move(OpenForWriting(file, kInterval)).value();
  Head head{10 * 13};  // ten buckets of Cluster(6)
  std::unique_ptr<DatabaseWriter> writer = std::move(DatabaseWriter::Open(db, head, kInterval)).value();
  std::vector<std::int64_t> times_seconds;
  Table expected;

  void Append(std::int64_t time_seconds) {
    const cloudmon::series::Bucket bucket = Cluster(6).At(time_seconds);
    const HeadBucketPtr kept = head.Append(bucket);
    REQUIRE(kept);
    REQUIRE(writer->Write(kept).ok());
    times_seconds.push_back(time_seconds);
    AddTo(expected, bucket);
  }
};

}  // namespace

TEST_CASE_FIXTURE(WriterFixture, "Sealing leaves in the journal what the head dropped since orphans were sealed") {
  for (std::int64_t t = kFirst; t < kFirst + 60; t += kInterval) Append(t);
  REQUIRE(writer->SealOrphans().ok());
  REQUIRE(head.oldest_seconds() == kFirst);
  for (std::int64_t t = kFirst + 60; t < kFirst + 200; t += kInterval) Append(t);
  REQUIRE(head.oldest_seconds().value() > kFirst);
  REQUIRE(writer->Seal(kFirst + 190).ok());

  times_seconds.pop_back();  // the head's
  std::erase_if(expected, [](const auto& item) { return item.first.second == kFirst + 190; });
  const auto sealed = writer->ReadSealed(times_seconds);
  REQUIRE(sealed.ok());
  Table found;
  for (const cloudmon::series::Bucket& bucket : sealed.value()) AddTo(found, bucket);
  CHECK((found == expected));
}

namespace {

// Amends a bucket just as it has been sealed: while its points are in parts and the head has still to let go of it.
void AmendWhileItIsSealed(WriterFixture& fixture, std::int64_t time_seconds, cloudmon::Status& sealed,
                          const std::function<void(cloudmon::series::Bucket&)>& change) {
  std::atomic<bool> amending = false;
  std::thread amends([&] {
    Connection db = std::move(Connection::Open(fixture.file, Connection::Mode::kReadOnly)).value();
    REQUIRE(fixture.head.Amend(time_seconds, [&](cloudmon::series::Bucket& bucket) {
      amending = true;  // the head cannot let go before this returns
      REQUIRE(Eventually([&] { return db.QueryInt("SELECT count(*) FROM part").value() > 0; }));
      change(bucket);
    }));
  });
  REQUIRE(Eventually([&] { return amending.load(); }));
  sealed = fixture.writer->Seal(time_seconds + kInterval);
  amends.join();
}

}  // namespace

TEST_CASE_FIXTURE(WriterFixture, "What an amendment took from a bucket that was just being sealed stays away") {
  for (std::int64_t t = kFirst; t < kFirst + 60; t += kInterval) Append(t);
  const std::int64_t amended = kFirst + 20;
  // The second time that a part is written there is no room.
  REQUIRE(db.Execute("CREATE TRIGGER full BEFORE INSERT ON part WHEN EXISTS(SELECT 1 FROM part WHERE key = NEW.key)"
                     " BEGIN SELECT RAISE(ABORT, 'full'); END")
              .ok());
  cloudmon::Status sealed = cloudmon::Status::Ok();
  AmendWhileItIsSealed(*this, amended, sealed, [&](cloudmon::series::Bucket& bucket) {
    std::erase_if(expected, [&](const auto& item) { return item.first.second == amended; });
    bucket.entries.resize(bucket.entries.size() / 2);
    AddTo(expected, bucket);
  });
  REQUIRE(!sealed.ok());
  REQUIRE(db.Execute("DROP TRIGGER full").ok());
  for (const HeadBucketPtr& bucket : head.Before(INT64_MAX)) REQUIRE(writer->Write(bucket).ok());

  // As after a kill: what is in the database is all there is.
  writer.reset();
  db = {};
  CHECK((Everything(*Open()) == expected));
}

TEST_CASE_FIXTURE(WriterFixture, "Sealing leaves in the journal what is not in memory, whatever its time") {
  Append(kFirst);
  Append(kFirst + 20);
  REQUIRE(db.Execute("INSERT INTO bucket SELECT time + 10, document FROM bucket WHERE time = " + std::to_string(kFirst))
              .ok());
  Append(kFirst + 30);
  REQUIRE(writer->Seal(kFirst + 30).ok());
  CHECK(db.QueryText("SELECT group_concat(time) FROM bucket").value() ==
        std::to_string(kFirst + 10) + "," + std::to_string(kFirst + 30));
  REQUIRE(writer->SealOrphans().ok());
  CHECK(db.QueryInt("SELECT count(*) FROM bucket").value() == 1);
}
