// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/point_blob.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon::store;
using namespace cloudmon::store::test;

TEST_CASE("A point from its bytes is the point, and what follows is left; a shortened one is refused") {
  std::mt19937_64 random(1);
  std::vector<Point> points(2);
  for (const cloudmon::series::FieldInfo& info : cloudmon::series::kFields) {
    for (const std::int64_t value : {INT64_MIN, INT64_MAX, std::int64_t{-1}, std::int64_t{0}, std::int64_t{64}}) {
      points.emplace_back().Set(info.field, value);
      points[1].Set(info.field, value);
    }
  }
  for (int i = 0; i < 100; ++i) points.push_back(Cluster::PointFrom(random));
  for (const Point& point : points) {
    std::string blob;
    AppendPoint(blob, point);
    const std::string longer = blob + "more";
    std::string_view bytes = longer;
    Point read = points[1];  // forgotten
    REQUIRE(TakePoint(bytes, read));
    CHECK((read == point));
    CHECK(bytes == "more");
    for (std::size_t length = 0; length < blob.size(); ++length) {
      bytes = std::string_view(blob).substr(0, length);
      CHECK(!TakePoint(bytes, read));
    }
  }
}

TEST_CASE("Bytes that are no point") {
  for (const std::string& bad : {std::string(11, '\xff'), std::string("\xff\xff\x7f"), std::string("\x01"),
                                 "\x01" + std::string(9, '\xff') + "\x02"}) {
    std::string_view bytes = bad;
    Point point;
    CHECK(!TakePoint(bytes, point));
  }
}

TEST_CASE("A point takes few bytes") {
  Point point;
  for (const cloudmon::series::FieldInfo& info : cloudmon::series::kFields) point.Set(info.field, 60);
  std::string blob;
  AppendPoint(blob, point);
  CHECK(blob.size() == 3 + cloudmon::series::kFieldCount);
}
