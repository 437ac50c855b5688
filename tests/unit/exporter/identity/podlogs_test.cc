// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/podlogs.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/files.h"

namespace cloudmon::identity {
namespace {

TEST_CASE("ParsePodLogsName") {
  const auto good = [](std::string_view name, std::string_view space, std::string_view pod, std::string_view uid) {
    CAPTURE(name);
    const auto parsed = ParsePodLogsName(name);
    REQUIRE(parsed);
    CHECK(parsed->namespace_name == space);
    CHECK(parsed->name == pod);
    CHECK(parsed->uid == uid);
    CHECK(parsed->workload_type.empty());
  };
  good("shop_web-5d4f-x2x4z_0f0c9f4e-1c2d", "shop", "web-5d4f-x2x4z", "0f0c9f4e-1c2d");
  good("kube-system_etcd-node1.example_0123456789abcdef0123456789abcdef", "kube-system", "etcd-node1.example",
       "0123456789abcdef0123456789abcdef");
  good("sh\xffop_w\xc3_u", "sh\xEF\xBF\xBDop", "w\xEF\xBF\xBD", "u");
  for (const std::string_view name : {"", "_", "__", "shop", "shop_web", "shop_web_", "_web_u", "shop__u", "a_b_c_d"}) {
    CAPTURE(name);
    CHECK(!ParsePodLogsName(name));
  }
}

TEST_CASE("ParseLogNumber") {
  CHECK(ParseLogNumber("0.log") == 0U);
  CHECK(ParseLogNumber("12.log") == 12U);
  for (const std::string_view name :
       {"", ".log", "x.log", "-1.log", "0.log.20240131-170000", "0.log.gz", "0", "0.logs"}) {
    CAPTURE(name);
    CHECK(!ParseLogNumber(name));
  }
}

TEST_CASE("PodLogsSource: a tree") {
  const test::TempDir logs;
  logs.Write("shop_web_u1/app/0.log", "");
  logs.Write("shop_web_u1/app/1.log", "");
  logs.MakeDir("shop_web_u1/proxy");
  logs.Write("shop_web_u1/rotated/0.log", "");
  logs.Write("shop_web_u1/rotated/0.log.20240131-170000", "");
  logs.Write("shop_web_u1/restarted/0.log.20240131-170000", "");
  logs.Write("shop_web_u1/restarted/1.log", "");
  logs.Write("shop_web_u1/a-file", "");
  logs.MakeDir("shop_db\xff_u2/app\xfe");
  logs.MakeDir("shop_empty_u3");
  logs.MakeDir("not-a-pod/app");
  logs.Write("shop_file_u4", "");
  PodLogsSource source(logs.path());
  CHECK(source.name() == "podlogs");
  auto fetched = source.Fetch();
  REQUIRE(fetched.ok());
  auto pods = fetched.value();
  std::sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) { return a.uid < b.uid; });
  REQUIRE(pods.size() == 3);
  auto& containers = pods[0].containers;
  std::sort(containers.begin(), containers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  REQUIRE(containers.size() == 4);
  CHECK(containers[0].name == "app");
  CHECK(containers[0].log_birth_seconds.value_or(0) > 1e9);
  CHECK(containers[0].id.empty());
  CHECK(containers[1].name == "proxy");
  CHECK(containers[1].log_birth_seconds.value_or(0) > 1e9);
  CHECK(containers[2].name == "restarted");
  CHECK(containers[2].log_birth_seconds);
  CHECK(containers[3].name == "rotated");
  CHECK(!containers[3].log_birth_seconds);
  CHECK(pods[1].name == "db\xEF\xBF\xBD");
  REQUIRE(pods[1].containers.size() == 1);
  CHECK(pods[1].containers[0].name == "app\xEF\xBF\xBD");
  CHECK(pods[2].containers.empty());
}

TEST_CASE("PodLogsSource: the directory is not there, or is a file") {
  const test::TempDir logs;
  const auto f = [](const std::string& path) {
    PodLogsSource source(path);
    const auto fetched = source.Fetch();
    REQUIRE(!fetched.ok());
    CHECK(fetched.error().code == ErrorCode::kNotFound);
    CHECK(fetched.error().message.starts_with("podlogs (set --path.podlogs): " + path + ": "));
  };
  f(logs.path() + "/nowhere");
  f(logs.Write("file", ""));
}

TEST_CASE("PodLogsSource: too many directories") {
  const test::TempDir logs;
  for (const char* pod : {"a_b_1", "a_b_2", "a_b_3"}) logs.MakeDir(std::string(pod) + "/app");
  CHECK(PodLogsSource(logs.path(), 6).Fetch().ok());
  for (std::size_t most = 0; most < 6; ++most) {
    CAPTURE(most);
    const auto fetched = PodLogsSource(logs.path(), most).Fetch();
    REQUIRE(!fetched.ok());
    CHECK(fetched.error().code == ErrorCode::kLimit);
    CHECK(fetched.error().message.find("more than " + std::to_string(most) + " directories") != std::string::npos);
  }
}

}  // namespace
}  // namespace cloudmon::identity
