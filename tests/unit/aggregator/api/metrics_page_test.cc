// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/metrics_page.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

#include "common/text.h"
#include "common/version.h"
#include "tests/support/files.h"
#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;

namespace {

api::MetricsInput SampleInput() {
  test::FakeStore store;
  test::FillSample(store);
  api::MetricsInput input;
  input.loop = {.scrapes = 10,
                .scrape_failures = 1,
                .samples = 5000,
                .rejected_lines = 2,
                .late_samples = 3,
                .skipped_ticks = 0,
                .buckets_sealed = 3,
                .pushes = 7,
                .late_pushes = 2,
                .push_refusals = 1};
  input.store = {.members = 9,
                 .head_points = 32,
                 .oldest_bucket_seconds = test::kFirst,
                 .newest_bucket_seconds = test::kNewest,
                 .buckets_written = 3,
                 .write_failures = 0,
                 .write_queue = 1,
                 .database_bytes = 65'536,
                 .available_bytes = 1'048'576};
  input.targets.resize(3);
  input.targets[2].url = "push:node-c";
  input.targets[2].node = "node-c";
  input.targets[2].source = "push";
  input.targets[2].up = true;
  input.targets[2].last_scrape_ms = test::kNewest * 1000;
  input.targets[0].url = "http://10.0.0.7:9780/metrics";
  input.targets[0].node = "node-a";
  input.targets[0].up = true;
  input.targets[0].last_scrape_ms = 1;
  input.targets[0].duration_seconds = 0.0125;
  input.targets[1].url = "http://10.0.0.8:9780/metrics";
  input.targets[1].node = "say \"b\"";
  for (auto kind : {series::Kind::kNamespace, series::Kind::kDeployment, series::Kind::kNode, series::Kind::kCluster}) {
    store::Selector selector;
    selector.kind = kind;
    const auto slices = store.Select(selector, test::kNewest, test::kNewest + 10, series::kAllFields, 100).value();
    input.rollups.insert(input.rollups.end(), slices.begin(), slices.end());
  }
  input.remote_write = {.samples = 90'000,
                        .samples_dropped = 120,
                        .requests_ok = 9,
                        .requests_refused = 1,
                        .requests_failed = 4,
                        .retries = 3,
                        .sent_until_seconds = test::kNewest - 10,
                        .up = false};
  prometheus::ClientMetric requests;
  requests.label = {{"code", "200"}, {"route", "/api/pods/{pod}"}};
  requests.counter.value = 7;
  input.requests = {{std::string(api::kHttpRequests.name),
                     std::string(api::kHttpRequests.help),
                     prometheus::MetricType::Counter,
                     {requests}}};
  input.process = {.cpu_seconds = 1.5,
                   .start_time_seconds = 1'795'000'000.25,
                   .resident_memory_bytes = 33'554'432,
                   .virtual_memory_bytes = 67'108'864,
                   .open_fds = 12,
                   .max_fds = 1024};
  return input;
}

// The version changes with each release.
std::string WithoutVersion(std::string page) {
  const std::string version = kVersion;
  return page.replace(page.find(version), version.size(), "VERSION");
}

}  // namespace

TEST_CASE("the metrics page in both formats") {
  const api::MetricsInput input = SampleInput();
  test::CheckGolden("api/metrics.txt", WithoutVersion(api::WriteMetricsPage(input, exposition::Format::kText)));
  test::CheckGolden("api/metrics.openmetrics.txt",
                    WithoutVersion(api::WriteMetricsPage(input, exposition::Format::kOpenMetrics)));
}

TEST_CASE("what is not known is left out") {
  const std::string page = api::WriteMetricsPage({}, exposition::Format::kText);
  CHECK(page.find("bucket_timestamp_seconds") == std::string::npos);
  CHECK(page.find("cloudmon_cluster") == std::string::npos);
  CHECK(page.find("cloudmon_target_up") == std::string::npos);
  CHECK(page.find("process_") == std::string::npos);
  CHECK(page.find("remote_write") == std::string::npos);
  CHECK(page.find("cloudmon_targets{state=\"up\"} 0\n") != std::string::npos);
}

TEST_CASE("before the first request nobody knows of the receiver, and there is no lag of the past") {
  api::MetricsInput input;
  input.store.newest_bucket_seconds = 100;
  input.remote_write = {.sent_until_seconds = 120, .up = {}};
  const std::string page = api::WriteMetricsPage(input, exposition::Format::kText);
  CHECK(page.find("cloudmon_remote_write_up") == std::string::npos);
  CHECK(page.find("\ncloudmon_remote_write_lag_seconds 0\n") != std::string::npos);
}

// The series of pods are for remote_write alone.
TEST_CASE("each metric of the page is in the documentation's table, once") {
  const std::string rows = api::MetricsMarkdown() + api::RollupsMarkdown();
  std::set<std::string_view> names;
  for (std::string_view rest = rows; !rest.empty();) {
    std::string_view row = text::CutLine(rest);
    text::Cut(row, '`');
    CHECK(names.insert(text::Cut(row, '`')).second);
  }
  std::erase_if(names, [](std::string_view name) { return name.starts_with("cloudmon_pod_"); });
  const std::string page = api::WriteMetricsPage(SampleInput(), exposition::Format::kText);
  std::size_t shown = 0;
  for (std::string_view rest = page; !rest.empty();) {
    std::string_view line = text::CutLine(rest);
    if (!line.starts_with("# TYPE ")) continue;
    line.remove_prefix(7);
    const std::string_view name = text::Cut(line, ' ');
    CAPTURE(name);
    CHECK(names.contains(name));
    ++shown;
  }
  CHECK(shown == names.size());
}
