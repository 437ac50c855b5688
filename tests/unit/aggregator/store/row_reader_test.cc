// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/row_reader.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

using Rows = std::map<std::int64_t, Point>;

Rows WantedRows(const Document& document, const std::unordered_set<std::int64_t>& wanted) {
  Rows rows;
  for (std::size_t i = 0; i < document.ids.size(); ++i) {
    if (wanted.contains(document.ids[i])) rows[document.ids[i]] = document.points[i];
  }
  return rows;
}

std::string RandomDocument(unsigned seed, std::size_t rows) {
  std::mt19937_64 random(seed);
  std::vector<Point> points;
  std::vector<const Point*> pointers;
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < rows; ++i) {
    points.push_back(test::Cluster::PointFrom(random));
    ids.push_back(static_cast<std::int64_t>(i * 3 + 1));
  }
  for (const Point& point : points) pointers.push_back(&point);
  std::string text;
  WriteDocument(text, 1000, ids, ColumnBlock(pointers), rows % 2 == 0 || points.empty() ? nullptr : &points.front());
  return text;
}

}  // namespace

TEST_CASE("Wanted rows are what a whole parse says of them") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::unordered_set<std::int64_t> wanted{7777};
    for (unsigned i = 0; i < seed % 7; ++i) wanted.insert(1 + 3 * static_cast<std::int64_t>(random() % 200));
    RowReader reader(wanted);
    for (const std::size_t rows : {std::size_t{200}, std::size_t{200}, std::size_t{random() % 200}, std::size_t{0}}) {
      const std::string text = RandomDocument(seed, rows);
      Document whole;
      Document part;
      REQUIRE(ParseDocument(text, whole).ok());
      REQUIRE(reader.Read(text, part).ok());
      CHECK((WantedRows(part, wanted) == WantedRows(whole, wanted)));
      CHECK(part.time_seconds == whole.time_seconds);
      CHECK((part.cluster == whole.cluster));
      CHECK(part.ids.size() == (rows == 0 ? 0 : WantedRows(whole, wanted).size()));
    }
  }
}

TEST_CASE("Documents of other shapes, as a whole parse reads them") {
  RowReader reader({2});
  Document document;
  auto millicores = [&](const char* text) -> std::int64_t {
    CAPTURE(text);
    REQUIRE(reader.Read(text, document).ok());
    const Rows rows = WantedRows(document, {2});
    REQUIRE(rows.size() == 1);
    return rows.at(2).Has(Field::kCpuMillicores) ? rows.at(2).Get(Field::kCpuMillicores) : -1;
  };
  CHECK(millicores(R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,6,7]})") == 6);
  CHECK(millicores(R"({"cpu_millicores":[5,6,7],"series":[1,2,3],"time":1})") == 6);
  CHECK(millicores(R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,6]})") == 6);
  CHECK(millicores(R"({"time":1,"series":[1,2,3],"cpu_millicores":[5]})") == -1);
  CHECK(millicores(R"( { "time" : 1 , "series" : [ 1 , 2 ] , "cpu_millicores" : [ null , 8 ] } )") == 8);
  CHECK(millicores(R"({"time":1,"new":{"a":[",]"]},"series":[2],"cpu_millicores":[9],"more":[1,2]})") == 9);
  CHECK(millicores(R"({"time":1,"series":[1,2],"cpu_millicores":[1,null]})") == -1);
}

TEST_CASE("What cannot be read is refused, and the next document is read") {
  const std::string good = R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,6,7]})";
  RowReader reader({2});
  Document document;
  for (std::size_t length = 0; length < good.size(); ++length) {
    CAPTURE(length);
    CHECK(!reader.Read(good.substr(0, length), document).ok());
  }
  for (const char* bad :
       {R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,x,7]})",
        R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,6x,7]})",
        R"({"time":1,"series":[1,2,3],"cpu_millicores":[5,6,7,8]})",
        R"({"time":1,"series":[1,2],"cpu_millicores":[5,6,]})",
        R"({"time":1,"series":[1,2,x],"cpu_millicores":[5,6,7]})",
        R"({"time":1,"series":[1,2,3 4],"cpu_millicores":[5,6,7]})", R"({"time":1,"series":[1,2,3]}})"}) {
    CAPTURE(bad);
    CHECK(!reader.Read(bad, document).ok());
    CHECK(!reader.Read(bad, document).ok());
    REQUIRE(reader.Read(good, document).ok());
    CHECK(WantedRows(document, {2}).at(2).Get(Field::kCpuMillicores) == 6);
  }
}
