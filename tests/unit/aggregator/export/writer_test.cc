// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/writer.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/unit/aggregator/export/files.h"

using namespace cloudmon;
using series::Kind;

namespace {

std::vector<std::string> Keys(const std::string& text) {
  std::vector<std::string> keys;
  const auto json = nlohmann::ordered_json::parse(text);
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  return keys;
}

void Append(store::Store& store, std::int64_t time, const std::vector<series::Member>& members,
            const std::optional<series::Point>& point = std::nullopt) {
  series::Bucket bucket{time, {}};
  for (const auto& member : members) {
    bucket.entries.push_back({test::MakeMember(member), point ? *point : test::PodPoint(time)});
  }
  store.Append(std::move(bucket));
}

}  // namespace

TEST_CASE("the four files of the sample") {
  test::FakeStore store;
  test::FillSample(store);
  for (const char* zone : {"UTC", "Asia/Kolkata"}) {
    const test::TimeZone set(zone);
    std::string page;
    for (const exports::File& file : exports::kFiles) {
      const std::string text = test::Export(store, file.kind);
      CHECK(nlohmann::json::accept(text));
      page.append("== ").append(file.name).append("\n").append(text);
    }
    test::CheckGolden(std::string("export/sample.") + (zone[0] == 'U' ? "utc" : "kolkata") + ".txt", page);
  }
}

TEST_CASE("an empty store") {
  const test::FakeStore store;
  for (const exports::File& file : exports::kFiles) CHECK(test::Export(store, file.kind) == "{\n\"__all__\":{}\n}\n");
}

TEST_CASE("a range") {
  test::FakeStore store;
  test::FillSample(store);
  const auto json = nlohmann::json::parse(test::Export(store, Kind::kPod, {test::kFirst + 10, test::kNewest}));
  CHECK(json.size() == 3);  // cache-0 misses that bucket
  for (const auto& [key, buckets] : json.items()) {
    CHECK(buckets.size() == 1);
    CHECK(buckets.contains(std::to_string(test::kFirst + 10)));
  }
}

TEST_CASE("keys ascend as text, the cluster is last") {
  test::FakeStore store;
  Append(store, 10,
         {{Kind::kDeployment, "", "a", "z", ""},
          {Kind::kDeployment, "", "a-b", "a", ""},
          {Kind::kDeployment, "", "zz", "a", ""},
          {Kind::kDeployment, "", "a", "b", ""},
          {}});
  CHECK(Keys(test::Export(store, Kind::kDeployment)) ==
        std::vector<std::string>{"a-b::a", "a::b", "a::z", "zz::a", "__all__"});
}

TEST_CASE("pods of one name share a key: entries by time, then by member") {
  test::FakeStore store;
  Append(store, 10, {test::Pod("n1", "b", "", "web"), test::Pod("n1", "a", "", "web")});
  Append(store, 20, {test::Pod("n1", "b", "", "web")});
  Append(store, 30, {test::Pod("n2", "b", "", "web"), test::Pod("n1", "b", "", "web"), test::Pod("n1", "", "", "y")});
  const auto json = nlohmann::ordered_json::parse(test::Export(store, Kind::kPod));
  std::string seen;
  for (const auto& [bucket, entries] : json["web"].items()) {
    seen += bucket + ":";
    for (const auto& entry : entries) {
      seen += " " + entry["node"].get<std::string>() + "/" + entry["namespace"].get<std::string>();
    }
    seen += "\n";
  }
  CHECK(seen == "10: n1/a n1/b\n20: n1/b\n30: n1/b n2/b\n");
}

TEST_CASE("one name of so many pods that not all of their points are to be in memory") {
  constexpr std::size_t kPods = 300;
  constexpr std::int64_t kBuckets = 1000;
  const auto is_gap = [](std::int64_t time) { return time > 1000 && time < 4000; };
  test::FakeStore store;
  std::vector<series::Member> members{test::Pod("n", "a", "", "other"), {}};
  for (std::size_t i = 0; i < kPods; ++i) members.push_back(test::Pod("n", std::to_string(1000 + i), "", "web"));
  for (std::int64_t time = 10; time <= 10 * kBuckets; time += 10) {
    Append(store, time, is_gap(time) ? std::vector{members.back()} : members, series::Point{});
  }
  std::size_t most = 0;  // points given for one part
  const exports::ForEach counting = [&](const auto& selector, auto start, auto end, const auto& less, auto in_memory,
                                        const auto& take) {
    if (start > 6000) return Status(Error{ErrorCode::kIo, "no such disk"});
    std::size_t points = 0;
    const Status status = store.ForEach(selector, start, end, less, in_memory, [&](store::SeriesSlice slice) {
      points += slice.points.size();
      return take(std::move(slice));
    });
    if (!selector.pod.empty()) most = std::max(most, points);
    return status;
  };
  std::string text;
  const auto add = [&](std::string_view piece) {
    text += piece;
    return true;
  };
  REQUIRE(exports::WriteFile(counting, Kind::kPod, {10, 5000}, add).ok());
  CHECK(most == 0);  // so few are written at once
  text.clear();
  const Status failed = exports::WriteFile(counting, Kind::kPod, test::kAllTime, add);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message == "no such disk");
  CHECK(most > 0);
  CHECK(most <= exports::kPointsInMemory);

  REQUIRE(test::Export(store, Kind::kPod).starts_with(text));
  const auto json = nlohmann::ordered_json::parse(test::Export(store, Kind::kPod));
  REQUIRE(json["web"].size() == kBuckets);
  std::int64_t time = 0;
  for (const auto& [bucket, entries] : json["web"].items()) {
    time += 10;
    REQUIRE(bucket == std::to_string(time));
    REQUIRE(entries.size() == (is_gap(time) ? 1 : kPods));
    REQUIRE(entries.back()["namespace"] == std::to_string(1000 + kPods - 1));
  }
}

TEST_CASE("names that need escapes, and a member of the cluster's name") {
  test::FakeStore store;
  Append(store, 10, {{Kind::kNode, "a\"b\\", "", "", ""}, {Kind::kNode, "__all__", "", "", ""}, {}});
  const auto json = nlohmann::json::parse(test::Export(store, Kind::kNode));
  CHECK(json.size() == 2);
  CHECK(json["a\"b\\"]["10"][0]["node"] == "a\"b\\");
  CHECK_FALSE(json["__all__"]["10"][0].contains("node"));
}

TEST_CASE("pieces are small, and the writer stops when the sink does") {
  test::FakeStore store;
  for (std::int64_t t = 10; t <= 10'000; t += 10) {
    Append(store, t, {test::Pod("n", "s", "", "a"), test::Pod("n", "s", "", "b"), {}});
  }
  std::size_t pieces = 0;
  auto write = [&](std::size_t accepted) {
    pieces = 0;
    return exports::WriteFile(test::ForEachOf(store), Kind::kPod, test::kAllTime, [&](std::string_view piece) {
      CHECK(piece.size() <= 80'000);
      return ++pieces <= accepted;
    });
  };
  CHECK(write(1'000'000).ok());
  CHECK(pieces > 10);
  const std::size_t all = pieces;
  for (const std::size_t accepted : {std::size_t{0}, std::size_t{1}, all / 2, all - 1}) {
    const Status status = write(accepted);
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == ErrorCode::kGone);
    CHECK(pieces == accepted + 1);
  }
}

TEST_CASE("the store's error is the writer's") {
  test::FakeStore store;
  test::FillSample(store);
  store.fail_reads = true;
  CHECK(test::Export(store, Kind::kPod) == "error: metrics.db: disk I/O error");
}
