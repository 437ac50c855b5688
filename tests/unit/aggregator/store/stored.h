// SPDX-License-Identifier: Apache-2.0
// A database with blobs and a head in front of it, filled without a store.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aggregator/store/archive.h"
#include "aggregator/store/chunk_rows.h"
#include "aggregator/store/database.h"
#include "aggregator/store/head.h"
#include "aggregator/store/history.h"
#include "aggregator/store/journal.h"
#include "aggregator/store/schema.h"
#include "aggregator/store/select.h"
#include "aggregator/store/series_table.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/store/buckets.h"

namespace cloudmon::store::test {

inline constexpr std::int64_t kInterval = 10;

// Writes like the store's thread. One thread.
class Sealing {
 public:
  explicit Sealing(const std::string& file)
      : db_(std::move(OpenForWriting(file, kInterval)).value()),
        table_(std::move(SeriesTable::Open(db_)).value()),
        rows_(std::move(ChunkRows::Open(db_, kInterval)).value()),
        numbers_(std::move(SeriesNumbers::Open(db_)).value()),
        journal_(std::move(Journal::Open(db_)).value()) {}

  // A bucket of the head.
  void WriteJournal(const HeadBucket& bucket, const Head& head) {
    Transaction transaction(db_);
    REQUIRE(transaction.Begin().ok());
    const Result<SeriesIds> ids = numbers_.Of(bucket, head);
    REQUIRE(ids.ok());
    REQUIRE(journal_.Write(bucket, ids.value()).ok());
    REQUIRE(transaction.Commit().ok());
    numbers_.Committed();
  }

  // Seals buckets, ascending and in one transaction: into chunks where those are there and else into parts, and out of
  // the journal.
  void Write(const std::vector<series::Bucket>& buckets) {
    std::map<Member, SeriesSlice> slices;
    for (const series::Bucket& bucket : buckets) {
      for (const series::Entry& entry : bucket.entries) {
        SeriesSlice& slice = slices[*entry.member];
        slice.times_seconds.push_back(bucket.time_seconds);
        slice.points.push_back(entry.point);
      }
    }
    Transaction transaction(db_);
    REQUIRE(transaction.Begin().ok());
    for (const auto& [member, slice] : slices) {
      const auto id = table_.Use(member, slice.times_seconds.front(), slice.times_seconds.back());
      REQUIRE(id.ok());
      REQUIRE(rows_.Merge(id.value(), slice.times_seconds, slice.points).ok());
    }
    for (const series::Bucket& bucket : buckets) REQUIRE(journal_.Delete(bucket.time_seconds).ok());
    REQUIRE(transaction.Commit().ok());
  }
  // Makes chunks of parts.
  void Compact(std::int64_t sealed_seconds) {
    for (;;) {
      const auto more = rows_.CompactStep(sealed_seconds);
      REQUIRE(more.ok());
      if (!more.value()) return;
    }
  }
  [[nodiscard]] Connection& db() { return db_; }

 private:
  Connection db_;
  SeriesTable table_;
  ChunkRows rows_;
  SeriesNumbers numbers_;
  Journal journal_;
};

struct StoredFixture {
  cloudmon::test::TempDir dir;
  std::string file = dir.path() + "/cloud-monitor.db";
  Sealing sealing{file};
  Head head{SIZE_MAX};
  Archive archive{file, kInterval};
  History history{head, archive, kInterval};
  Table all;  // what is stored

  // `count` buckets from `start` on, as a store seals them or keeps them in its head and journal.
  template <class Source>
  void Seal(const Source& cluster, std::int64_t start, std::int64_t count) {
    std::vector<series::Bucket> buckets;
    for (std::int64_t i = 0; i < count; ++i) {
      buckets.push_back(cluster.At(start + kInterval * i));
      AddTo(all, buckets.back());
    }
    sealing.Write(buckets);
  }
  template <class Source>
  void Append(const Source& cluster, std::int64_t start, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const series::Bucket bucket = cluster.At(start + kInterval * i);
      AddTo(all, bucket);
      const HeadBucketPtr kept = head.Append(bucket);
      REQUIRE(kept);
      sealing.WriteJournal(*kept, head);
    }
  }
  // What is stored of members that match.
  [[nodiscard]] Table Expected(const Selector& selector, std::int64_t start, std::int64_t end) const {
    Table expected = all;
    std::erase_if(expected, [&](const auto& item) {
      const auto& [member, time] = item.first;
      return !Matches(selector, member) || time < start || time >= end;
    });
    return expected;
  }
};

inline Table Only(series::FieldMask fields, Table table) {
  for (auto& [key, point] : table) {
    for (const series::FieldInfo& info : series::kFields) {
      if ((fields & series::MaskOf(info.field)) == 0) point.Clear(info.field);
    }
  }
  return table;
}

// Selectors of all sorts for Cluster.
inline const std::vector<Selector>& SomeSelectors() {
  static const std::vector<Selector> kSelectors{
      {Kind::kPod, "", "", "", ""},           {Kind::kPod, "node-a", "ns0", "", ""},
      {Kind::kPod, "", "", "d1", ""},         {Kind::kPod, "", "", "", "pod-12"},
      {Kind::kPod, "", "", "", "none"},       {Kind::kNode, "", "", "", ""},
      {Kind::kNode, "node-b", "", "", ""},    {Kind::kNamespace, "", "", "", ""},
      {Kind::kDeployment, "", "ns0", "", ""}, {Kind::kCluster, "", "", "", ""}};
  return kSelectors;
}

}  // namespace cloudmon::store::test
