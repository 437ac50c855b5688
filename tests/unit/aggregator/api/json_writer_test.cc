// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/json_writer.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "aggregator/api/entry_writer.h"
#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;
using series::Field;

namespace {

std::string Quote(std::string_view text) {
  std::string out;
  api::AppendJsonString(out, text);
  return out;
}

std::vector<series::FieldInfo> Fields(std::initializer_list<Field> fields) {
  std::vector<series::FieldInfo> infos;
  for (Field f : fields) infos.push_back(series::InfoOf(f));
  return infos;
}

const store::SeriesSlice kA{test::MakeMember(test::Pod("n", "s", "", "a")),
                            {20, 40},
                            {test::MakePoint({{Field::kMemoryBytes, 1}, {Field::kDiskReadRate, 5}}),
                             test::MakePoint({{Field::kDiskReadRate, 83'886'080}})}};
const store::SeriesSlice kB{test::MakeMember(test::Pod("n", "s", "d", "b")),
                            {30, 40},
                            {test::MakePoint({{Field::kMemoryBytes, -7}}), series::Point{}}};

}  // namespace

TEST_CASE("AppendJsonString escapes what JSON needs escaped") {
  CHECK(Quote("web-1") == R"("web-1")");
  CHECK(Quote("") == R"("")");
  CHECK(Quote("a\"b\\c/") == R"("a\"b\\c/")");
  CHECK(Quote(std::string("\0\x01\x1f\x7f\n\r\t", 7)) == R"("\u0000\u0001\u001f\u007f\n\u000d\t")");
  CHECK(Quote("Grüße €") == "\"Grüße €\"");
  for (int c = 0; c < 128; ++c) {
    const std::string text(1, static_cast<char>(c));
    CHECK(nlohmann::json::parse(Quote(text)).get<std::string>() == text);
  }
}

TEST_CASE("WriteEntries") {
  const test::TimeZone utc("UTC");
  const auto fields = Fields({Field::kMemoryBytes, Field::kDiskReadRate});
  const std::string a20 =
      R"({"timestamp":"1970-01-01 00:00:20","time":20,"node":"n","namespace":"s","pod":"a","memory_bytes":1,"disk_read_bytes_per_second":0.5})";
  const std::string a40 =
      R"({"timestamp":"1970-01-01 00:00:40","time":40,"node":"n","namespace":"s","pod":"a","disk_read_bytes_per_second":8388608.0})";
  const std::string b30 =
      R"({"timestamp":"1970-01-01 00:00:30","time":30,"node":"n","namespace":"s","deployment":"d","pod":"b","memory_bytes":-7})";
  const std::string b40 =
      R"({"timestamp":"1970-01-01 00:00:40","time":40,"node":"n","namespace":"s","deployment":"d","pod":"b"})";
  auto array = [](std::initializer_list<std::string> entries) {
    std::string text = "[";
    for (const std::string& entry : entries) text += (text.size() == 1 ? "\n" : ",\n") + entry;
    return text + "\n]\n";
  };
  using api::SortBy;
  CHECK(api::WriteEntries({&kA, &kB}, fields, {}) == array({a20, b30, a40, b40}));
  CHECK(api::WriteEntries({&kA, &kB}, fields, {.by = SortBy::kTime, .descending = true}) ==
        array({a40, b40, b30, a20}));
  CHECK(api::WriteEntries({&kB, &kA}, fields, {SortBy::kName}) == array({b30, b40, a20, a40}));
  CHECK(api::WriteEntries({}, fields, {}) == "[]\n");
}

TEST_CASE("WriteEntries writes the cluster without identity, and the largest numbers") {
  const test::TimeZone utc("UTC");
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  const store::SeriesSlice cluster{
      test::MakeMember({}),
      {10},
      {test::MakePoint({{Field::kMemoryBytes, kMin}, {Field::kDiskReadRate, kMin}, {Field::kDiskWriteRate, kMax}})}};
  const auto fields = Fields({Field::kMemoryBytes, Field::kDiskReadRate, Field::kDiskWriteRate});
  CHECK(api::WriteEntries({&cluster}, fields, {}) ==
        "[\n{\"timestamp\":\"1970-01-01 00:00:10\",\"time\":10,\"memory_bytes\":-9223372036854775808,"
        "\"disk_read_bytes_per_second\":-922337203685477580.8,\"disk_write_bytes_per_second\":922337203685477580.7}"
        "\n]\n");
}

TEST_CASE("WriteColumns shows gaps as null and leaves out what a member never has") {
  const auto fields = Fields({Field::kCpuMillicores, Field::kMemoryBytes, Field::kDiskReadRate});
  CHECK(api::WriteColumns({&kA, &kB}, fields, 10) ==
        "{\"time\":[20,30,40],\"series\":[\n"
        R"({"labels":{"node":"n","namespace":"s","pod":"a"},"memory_bytes":[1,null,null],)"
        R"("disk_read_bytes_per_second":[0.5,null,8388608.0]},)"
        "\n"
        R"({"labels":{"node":"n","namespace":"s","deployment":"d","pod":"b"},"memory_bytes":[null,-7,null]})"
        "\n]}\n");
  CHECK(api::ColumnCells({&kA, &kB}, 10) == 6);
  CHECK(api::WriteColumns({}, fields, 10) == "{\"time\":[],\"series\":[]}\n");
  CHECK(api::ColumnCells({}, 10) == 0);
}

TEST_CASE("many long entries are valid JSON") {
  std::vector<store::SeriesSlice> slices;
  for (int i = 0; i < 500; ++i) {
    slices.push_back({test::MakeMember(test::Pod(std::string(static_cast<std::size_t>(i), '"'), "\n", "d", "p")),
                      {10},
                      {test::PodPoint(i)}});
  }
  std::vector<const store::SeriesSlice*> members;
  for (const auto& slice : slices) members.push_back(&slice);
  const std::vector<series::FieldInfo> all(series::kFields.begin(), series::kFields.end());
  const auto entries = nlohmann::json::parse(api::WriteEntries(members, all, {}));
  REQUIRE(entries.size() == 500);
  CHECK(entries[499]["node"] == std::string(499, '"'));
  CHECK(entries[499]["cpu_millicores"] == 4990);
  CHECK(nlohmann::json::parse(api::WriteColumns(members, all, 10))["series"].size() == 500);
}
