// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_document.h"

#include <doctest/doctest.h>

#include "aggregator/store/head.h"
#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

// The bucket as the head packs it, with numbers that neither rise nor are small.
struct Packed {
  explicit Packed(const series::Bucket& from) : bucket(head.Append(from)) {
    for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
      const HeadBlock& block = bucket->blocks[kind];
      blocks[kind] = {&ids[kind], &block.columns};
      for (std::size_t row = 0; row < block.columns.rows(); ++row) {
        ids[kind].push_back(static_cast<std::int64_t>((row * 7919 + kind) % 4'000'000'000));
      }
    }
  }
  Head head{100'000};
  HeadBucketPtr bucket;
  std::array<std::vector<std::int64_t>, series::kKindCount> ids;
  std::array<DocumentBlock, series::kKindCount> blocks;
};

void CheckSame(const BucketDocument& document, const Packed& packed) {
  for (std::size_t kind = 0; kind < series::kKindCount; ++kind) {
    const ColumnBlock& expected = packed.bucket->blocks[kind].columns;
    const ColumnBlock& got = document.blocks[kind].columns;
    CHECK(document.blocks[kind].ids == packed.ids[kind]);
    REQUIRE(got.rows() == expected.rows());
    for (std::size_t row = 0; row < expected.rows(); ++row) CHECK((got.Row(row) == expected.Row(row)));
  }
}

series::Bucket Extremes() {
  series::Bucket bucket{kFirst, {}};
  int i = 0;
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
    Point point;
    for (const series::FieldInfo& info : series::kFields) {
      if ((++i) % 5 != 0) point.Set(info.field, value);
    }
    bucket.entries.push_back({Of({Kind::kPod, "n", "ns", "", "p" + std::to_string(i)}), point});
  }
  bucket.entries.push_back({Of({Kind::kPod, "n", "ns", "", "without values"}), Point{}});
  return bucket;
}

}  // namespace

TEST_CASE("A bucket document gives back what was written") {
  for (const series::Bucket& bucket : {series::Bucket{kFirst, {}}, Cluster(0).At(kFirst), Cluster(1).At(kFirst),
                                       Cluster(300).At(kFirst), Extremes()}) {
    const Packed packed(bucket);
    const auto document = DecodeBucket(EncodeBucket(packed.blocks));
    REQUIRE(document.ok());
    CheckSame(document.value(), packed);
  }
}

TEST_CASE("A bucket document that is cut off, changed anywhere or of another version is an error") {
  const Packed packed(Cluster(12).At(kFirst));
  const std::string good = EncodeBucket(packed.blocks);
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    const auto cut = DecodeBucket(std::string_view(good).substr(0, size));
    REQUIRE(!cut.ok());
    CHECK(cut.error().code == ErrorCode::kParse);
  }
  CHECK(!DecodeBucket(good + "x").ok());
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read = DecodeBucket(changed);
    if (read.ok()) CheckSame(read.value(), packed);  // a bit of zstd's that means nothing
  }
}
