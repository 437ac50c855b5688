// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/columns.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

void CheckRoundTrip(const std::vector<Point>& points) {
  std::vector<const Point*> rows;
  for (const Point& point : points) rows.push_back(&point);
  const ColumnBlock block(rows);
  REQUIRE(block.rows() == points.size());
  for (std::size_t i = 0; i < points.size(); ++i) CHECK(block.Row(i) == points[i]);
}

}  // namespace

TEST_CASE("Columns of any width give back what was put in") {
  CheckRoundTrip({});
  CheckRoundTrip({Point{}, Point{}});
  std::vector<Point> points(3);
  for (unsigned bits = 0; bits < 64; ++bits) {
    CAPTURE(bits);
    const auto value = static_cast<std::int64_t>(std::uint64_t{1} << bits);
    for (const std::int64_t base : {std::int64_t{0}, std::int64_t{-5}, INT64_MIN, INT64_MAX}) {
      points[0].Set(Field::kMemoryBytes, base);
      points[1].Set(Field::kMemoryBytes, value);
      points[2].Set(Field::kMemoryBytes, value / 2);
      CheckRoundTrip(points);
    }
  }
}

TEST_CASE("Columns: random points, absent values") {
  std::mt19937_64 random(7);
  for (std::size_t size = 1; size < 40; ++size) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < size; ++i) points.push_back(Cluster::PointFrom(random));
    CheckRoundTrip(points);
  }
}

TEST_CASE("Columns: a field that no row has takes no column") {
  Point point;
  point.Set(Field::kPods, 0);
  const ColumnBlock block({&point, &point});
  REQUIRE(block.column_count() == 1);
  CHECK(block.column(0).field() == Field::kPods);
  CHECK(block.column(0).Has(1));
  CHECK(block.column(0).Get(1) == 0);
}
