// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/bucket_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/unit/aggregator/store/buckets.h"

using namespace cloudmon;
using namespace cloudmon::store;
using namespace cloudmon::store::test;

namespace {

std::string Write(std::int64_t time, const std::vector<std::int64_t>& ids, const std::vector<Point>& points,
                  const Point* cluster = nullptr) {
  std::vector<const Point*> rows;
  for (const Point& point : points) rows.push_back(&point);
  std::string out;
  WriteDocument(out, time, ids, ColumnBlock(rows), cluster);
  return out;
}

// Other parsers read a rate as a double, which keeps 15 digits.
void LimitRates(std::mt19937_64& random, Point& point) {
  for (const auto& info : series::kFields) {
    if (info.field_class != series::FieldClass::kRate || !point.Has(info.field)) continue;
    point.Set(info.field, static_cast<std::int64_t>(random() % 1'000'000) - 500'000);
  }
}

}  // namespace

TEST_CASE("WriteDocument: by columns, rates with a decimal, null for what is not known") {
  Point one;
  one.Set(Field::kCpuMillicores, 412);
  one.Set(Field::kDiskReadRate, 124);
  Point two;
  two.Set(Field::kDiskReadRate, 30);
  Point cluster;
  cluster.Set(Field::kNodes, 2);
  cluster.Set(Field::kNetworkTxRate, -5);
  CHECK(Write(1795369210, {1, 22}, {one, two}, &cluster) ==
        R"({"time":1795369210,"series":[1,22],"cpu_millicores":[412,null],"disk_read_bytes_per_second":[12.4,3],)"
        R"("__all__":{"network_tx_bytes_per_second":-0.5,"nodes":2}})");
  CHECK(Write(10, {}, {}) == R"({"time":10,"series":[]})");
  const Point empty;
  CHECK(Write(10, {}, {}, &empty) == R"({"time":10,"series":[],"__all__":{}})");
}

TEST_CASE("Documents give back what was written, and other parsers agree that they are JSON") {
  std::mt19937_64 random(11);
  Document document;  // reused, so that nothing of an earlier one may stay
  for (std::size_t size = 0; size < 30; ++size) {
    std::vector<std::int64_t> ids;
    std::vector<Point> points;
    for (std::size_t i = 0; i < size; ++i) {
      ids.push_back(static_cast<std::int64_t>(random() >> 1U));
      points.push_back(Cluster::PointFrom(random));
      points.back().Set(Field::kDiskReadRate, 0);
      LimitRates(random, points.back());
    }
    Point cluster = Cluster::PointFrom(random);
    LimitRates(random, cluster);
    const std::string text = Write(990, ids, points, size % 2 == 0 ? &cluster : nullptr);
    const auto json = nlohmann::json::parse(text);
    CHECK(json["series"].size() == size);
    if (size > 0) {
      const double rate = json["disk_read_bytes_per_second"][0];
      CHECK(rate * 10 == doctest::Approx(static_cast<double>(points[0].Get(Field::kDiskReadRate))));
    }
    for (const std::string& form : {text, json.dump(2), " \n" + text + "\t"}) {  // dump() orders members by name
      REQUIRE(ParseDocument(form, document).ok());
      CHECK(document.time_seconds == 990);
      CHECK(document.ids == ids);
      CHECK(document.points == points);
      CHECK(document.cluster.has_value() == (size % 2 == 0));
      if (document.cluster) CHECK(*document.cluster == cluster);
    }
  }
}

TEST_CASE("ParseDocument skips what it does not know and leaves absent values unset") {
  Document document;
  REQUIRE(ParseDocument(R"({"new":{"a":["]}",{"b":"\""}],"c":null},"series":[7,8],"memory_bytes":[null],"x":1.5e3,
                            "__all__":{"later":[1],"pods":null,"nodes":3},"time":5})",
                        document)
              .ok());
  CHECK(document.ids == std::vector<std::int64_t>{7, 8});
  CHECK(document.points == std::vector<Point>(2));
  CHECK(document.cluster->Get(Field::kNodes) == 3);
  CHECK(!document.cluster->Has(Field::kPods));
  REQUIRE(ParseDocument("{}", document).ok());
  CHECK(document.ids.empty());
  CHECK(!document.cluster);
}

TEST_CASE("ParseDocument refuses what is not a bucket") {
  Document document;
  auto bad = [&](std::string_view text) {
    CAPTURE(text);
    const Status status = ParseDocument(text, document);
    REQUIRE(!status.ok());
    CHECK(status.error().code == ErrorCode::kParse);
    return status.error().message;
  };
  for (std::string_view text : {"",
                                " ",
                                "[]",
                                "null",
                                "{",
                                "{}x",
                                "{\"time\"}",
                                "{\"time\":}",
                                "{\"time\":1,}",
                                "{\"time\":\"1\"}",
                                "{\"time\":1.5}",
                                "{\"time\":99999999999999999999}",
                                "{\"series\":[1,]}",
                                "{\"series\":[1 2]}",
                                "{\"series\":[null]}",
                                "{\"series\":{}}",
                                "{\"series\":[1],\"pods\":[x]}",
                                "{\"series\":[1],\"pods\":[1.5]}",
                                "{\"series\":[1],\"pods\":[nul]}",
                                "{\"series\":[1],\"network_tx_bytes_per_second\":[1.]}",
                                "{\"series\":[1],\"network_tx_bytes_per_second\":[1.25]}",
                                "{\"series\":[1],\"network_tx_bytes_per_second\":[9223372036854775807]}",
                                "{\"__all__\":[]}",
                                "{\"__all__\":{\"pods\":\"\"}}",
                                "{\"new\":[}",
                                "{\"new\":\"\\",
                                "{\"new",
                                "\x00\xff"}) {
    bad(text);
  }
  CHECK(bad(R"({"series":[1],"pods":[1,2]})") == "'series': 1 numbers for columns of 2 values");
  CHECK(bad(R"({"series":[1],"pods":["a"]})") == "'pods': not the JSON of a bucket at offset 22");
}

TEST_CASE("ParseDocument survives a document cut anywhere") {
  const Cluster cluster(6);
  std::vector<Point> points;
  for (const auto& entry : cluster.At(kFirst).entries) points.push_back(entry.point);
  for (Point& point : points) {
    for (const auto& info : series::kFields) {
      if (info.field_class == series::FieldClass::kRate) point.Clear(info.field);
    }
  }
  const std::string text = Write(kFirst, std::vector<std::int64_t>(points.size(), 3), points, &points[0]);
  Document document;
  REQUIRE(ParseDocument(text, document).ok());
  for (std::size_t length = 0; length < text.size(); ++length) {
    CHECK(!ParseDocument(std::string_view(text).substr(0, length), document).ok());
  }
}

TEST_CASE("Documents have names") {
  for (const Kind kind : kDocumentKinds) CHECK(DocumentKindByName(DocumentName(kind)) == kind);
  CHECK(DocumentName(Kind::kCluster) == "nodes");
  CHECK(!DocumentKindByName("cluster"));
}
