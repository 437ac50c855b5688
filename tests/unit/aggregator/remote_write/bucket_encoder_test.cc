// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/bucket_encoder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/files.h"
#include "tests/unit/aggregator/remote_write/buckets.h"
#include "tests/unit/aggregator/remote_write/decode.h"

using namespace cloudmon;                // NOLINT: a test
using namespace cloudmon::remote_write;  // NOLINT: a test
using series::Field;
using series::Kind;
using series::Member;
using series::Point;
using test::kInterval;
using test::kTime;

namespace {

using Values = std::vector<std::pair<Field, std::int64_t>>;

store::SeriesSlice SliceOf(Member member, std::vector<std::pair<std::int64_t, Values>> points) {
  store::SeriesSlice slice{std::make_shared<Member>(std::move(member)), {}, {}};
  for (const auto& [time, values] : points) {
    slice.times_seconds.push_back(time);
    Point& point = slice.points.emplace_back();
    for (const auto& [field, value] : values) point.Set(field, value);
  }
  return slice;
}

std::vector<Request> Encode(const Window& window, const Part& part, const Labels& external = {},
                            std::size_t max_samples = 1000) {
  BucketEncoder encoder(window, part, kInterval, external, max_samples);
  std::vector<Request> requests;
  while (auto request = encoder.Next()) requests.push_back(std::move(*request));
  return requests;
}

std::vector<std::string> Lines(const Window& window, const Part& part) {
  std::vector<std::string> lines;
  for (const Request& request : Encode(window, part)) {
    for (std::string& line : test::Decode(request.body)) lines.push_back(std::move(line));
  }
  return lines;
}

const Member kPod{Kind::kPod, "node-a", "shop", "web", "web-1"};
std::string PodLine(const std::string& metric, const std::string& value, std::int64_t time = kTime) {
  return "cloudmon_pod_" + metric + "{deployment=\"web\",namespace=\"shop\",node=\"node-a\",pod=\"web-1\"} " + value +
         " @" + std::to_string(time * 1000);
}

}  // namespace

TEST_CASE("a bucket of all kinds with all fields") {
  Values values;
  for (const series::FieldInfo& info : series::kFields) {
    values.emplace_back(info.field, 1'234'567 + static_cast<std::int64_t>(info.field));
  }
  Window window{kTime, kTime + kInterval, {}};
  for (const Member& member :
       {kPod, Member{Kind::kPod, "node-a", "shop", "", "lone"}, Member{Kind::kNamespace, "", "shop", "", ""},
        Member{Kind::kDeployment, "", "shop", "web", ""}, Member{Kind::kNode, "node-a", "", "", ""},
        Member{Kind::kCluster, "", "", "", ""}}) {
    window.slices.push_back(SliceOf(member, {{kTime, values}}));
  }
  const auto requests = Encode(window, {kTime, true}, {{"Zone", "z"}, {"cluster", "eu-1"}, {"replica", "a"}});
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].samples == 6 * kMemberSamples);
  std::string text;
  for (const std::string& line : test::Decode(requests[0].body)) text += line + "\n";
  test::CheckGolden("remote_write/request.txt", text);
  for (const auto& names : test::LabelNames(requests[0].body)) CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("numbers arrive as they were stored") {
  const std::int64_t large = (std::int64_t{1} << 53) - 1;
  const Window window{
      kTime,
      kTime + kInterval,
      {SliceOf(kPod,
               {{kTime, {{Field::kCpuUsageUsec, 1}, {Field::kMemoryBytes, 0}, {Field::kDiskReadBytes, large}}}})}};
  CHECK(Lines(window, {kTime, true}) == std::vector<std::string>{PodLine("cpu_usage_seconds_total", "1e-06"),
                                                                 PodLine("memory_bytes", "0"),
                                                                 PodLine("disk_read_bytes_total", "9007199254740991")});
}

TEST_CASE("what the bucket before had and this has not is marked as ended, once") {
  const Member other{Kind::kPod, "node-a", "shop", "web", "gone"};
  const Window window{kTime,
                      kTime + 3 * kInterval,
                      {SliceOf(kPod, {{kTime - kInterval, {{Field::kCpuUsageUsec, 5}, {Field::kMemoryBytes, 7}}},
                                      {kTime, {{Field::kMemoryBytes, 8}}},
                                      {kTime + 2 * kInterval, {{Field::kMemoryBytes, 9}}}})}};
  CHECK(Lines(window, {kTime, true}) ==
        std::vector<std::string>{PodLine("cpu_usage_seconds_total", "stale"), PodLine("memory_bytes", "8")});
  CHECK(Lines(window, {kTime + kInterval, true}) ==
        std::vector<std::string>{PodLine("memory_bytes", "stale", kTime + kInterval)});
  CHECK(Lines(window, {kTime + 2 * kInterval, true}) ==
        std::vector<std::string>{PodLine("memory_bytes", "9", kTime + 2 * kInterval)});
}

TEST_CASE("only what there is") {
  const Window window{kTime,
                      kTime + kInterval,
                      {SliceOf(kPod, {{kTime - kInterval, {{Field::kCpuUsageUsec, 5}, {Field::kMemoryBytes, 7}}},
                                      {kTime, {{Field::kMemoryBytes, 8}}}})}};
  CHECK(Lines(window, {kTime, false}) == std::vector<std::string>{PodLine("memory_bytes", "8")});
}

TEST_CASE("fields that are not sent make no request") {
  const Window window{kTime, kTime + kInterval, {SliceOf(kPod, {{kTime, {{Field::kCpuMillicores, 5}}}})}};
  CHECK(Encode(window, {kTime, true}).empty());
  CHECK(Encode(Window{kTime, kTime + kInterval, {}}, {kTime, true}).empty());
}

TEST_CASE("what is next in a window") {
  const Window window{kTime,
                      kTime + 100 * kInterval,
                      {SliceOf(kPod, {{kTime - kInterval, {}}, {kTime + 50 * kInterval, {}}}),
                       SliceOf(kPod, {{kTime + 70 * kInterval, {}}})}};
  const auto next = [&](std::int64_t buckets) { return window.NextFrom(kTime + buckets * kInterval, kInterval); };
  CHECK(next(0) == kTime);
  CHECK(next(1) == kTime + 50 * kInterval);
  CHECK(next(50) == kTime + 50 * kInterval);
  CHECK(next(51) == kTime + 51 * kInterval);
  CHECK(next(52) == kTime + 70 * kInterval);
  CHECK(!next(72));
}

TEST_CASE("a large bucket is several requests, each within the limit, with every sample once") {
  Window window{kTime, kTime + kInterval, {}};
  Values values;
  for (const series::MetricField& field : series::kMetricFields) values.emplace_back(field.field, 1);
  for (int i = 0; i < 100; ++i) {
    window.slices.push_back(
        SliceOf({Kind::kPod, "node-a", "shop", "web", "web-" + std::to_string(i)}, {{kTime, values}}));
  }
  for (const std::size_t max_samples : {kMemberSamples, std::size_t{15}, std::size_t{16}, std::size_t{100}}) {
    CAPTURE(max_samples);
    std::vector<std::string> lines;
    for (const Request& request : Encode(window, {kTime, true}, {}, max_samples)) {
      CHECK(request.samples <= max_samples);
      const auto decoded = test::Decode(request.body);
      CHECK(decoded.size() == request.samples);
      lines.insert(lines.end(), decoded.begin(), decoded.end());
    }
    CHECK(lines == Lines(window, {kTime, true}));
    std::sort(lines.begin(), lines.end());
    CHECK(std::unique(lines.begin(), lines.end()) == lines.end());
    CHECK(lines.size() == 100 * kMemberSamples);
  }
}
