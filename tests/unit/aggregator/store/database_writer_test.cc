// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/database_writer.h"

#include <doctest/doctest.h>

#include "aggregator/store/schema.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

constexpr std::int64_t kInterval = 10;

struct WriterFixture {
  cloudmon::test::TempDir dir;
  Connection db = std::move(OpenForWriting(dir.path() + "/test.db", kInterval)).value();
  Head head{10 * 13};  // ten buckets of Cluster(6)
  std::unique_ptr<DatabaseWriter> writer = std::move(DatabaseWriter::Open(db, head, kInterval)).value();
  std::vector<std::int64_t> times_seconds;
  Table expected;

  void Append(std::int64_t time_seconds) {
    const cloudmon::series::Bucket bucket = Cluster(6).At(time_seconds);
    const HeadBucketPtr kept = head.Append(bucket);
    REQUIRE(kept);
    REQUIRE(writer->Write(*kept).ok());
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
