// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string_view>

#include "aggregator/discovery/discovery.h"
#include "aggregator/discovery/static_list.h"

namespace cloudmon::discovery {

TEST_CASE("ParseTarget: good") {
  auto good = [](std::string_view in, std::string_view url, std::string_view host_port) {
    CAPTURE(in);
    const auto target = ParseTarget(in, "static");
    REQUIRE(target.ok());
    CHECK(target.value().url == url);
    CHECK(target.value().host_port == host_port);
    CHECK(target.value().source == "static");
    CHECK(target.value().node.empty());
  };
  good("node-a:9780", "http://node-a:9780/metrics", "node-a:9780");
  good("  10.0.0.7:9780\n", "http://10.0.0.7:9780/metrics", "10.0.0.7:9780");
  good("[::1]:9780", "http://[::1]:9780/metrics", "[::1]:9780");
  good("[fe80::1%25eth0]:1", "http://[fe80::1%25eth0]:1/metrics", "[fe80::1%25eth0]:1");
  good("node-a:8080/metrics/cadvisor", "http://node-a:8080/metrics/cadvisor", "node-a:8080");
  good("http://node-a:65535", "http://node-a:65535/metrics", "node-a:65535");
  good("http://node-a:80/", "http://node-a:80/metrics", "node-a:80");
  good("HTTPS://Node-A.example/Metrics?x=1", "https://node-a.example:443/Metrics?x=1", "node-a.example:443");
  good("http://node_a/x", "http://node_a:80/x", "node_a:80");
  good("http://[::1]/x", "http://[::1]:80/x", "[::1]:80");
}

TEST_CASE("ParseTarget: bad") {
  auto bad = [](std::string_view in, std::string_view expected) {
    CAPTURE(in);
    const auto target = ParseTarget(in, "static");
    REQUIRE(!target.ok());
    CHECK(target.error().code == ErrorCode::kInvalid);
    CHECK_MESSAGE(target.error().message.find(expected) != std::string::npos, target.error().message);
  };
  bad("", "expected host:port, got ''");
  bad("node-a", "expected host:port, got 'node-a'");
  bad("[::1]", "expected host:port");
  bad("node-a:", "port from 1 to 65535");
  bad("node-a:0", "port from 1 to 65535");
  bad("node-a:65536", "port from 1 to 65535");
  bad("node-a:000080", "port from 1 to 65535");
  bad("node-a:99999999999999999999", "port from 1 to 65535");
  bad("node-a:+80", "port from 1 to 65535");
  bad("node-a:http", "port from 1 to 65535");
  bad(":9780", "expected host:port");
  bad("::1:9780", "in brackets");
  bad("[]:9780", "in brackets");
  bad("[node]:9780", "in brackets");
  bad("no de:9780", "in brackets");
  bad("ftp://node-a:21", "http:// or https://");
  bad("unix:///run/x", "http:// or https://");
  bad("http://user:secret@node-a:80/", "without a user name");
  bad("node-a:9780/a b", "a path");
  bad("node-a:9780/#x", "a path");
  bad("node-a:9780?x=1", "a path");
  bad("node-a:9780/\xff", "a path");
  bad("n\xff:1", "'n\xef\xbf\xbd:1'");
}

TEST_CASE("MakeStaticList and AllTargets: each url once, the first wins") {
  Discoveries all;
  all.push_back(std::move(MakeStaticList({"a:1", "b:2", "A:1"})).value());
  all.push_back(std::move(MakeStaticList({"http://b:2/metrics", "c:3"})).value());
  const auto targets = AllTargets(all, Shard{});
  REQUIRE(targets.size() == 3);
  CHECK(targets[0].url == "http://a:1/metrics");
  CHECK(targets[1].url == "http://b:2/metrics");
  CHECK(targets[2].url == "http://c:3/metrics");
  CHECK(AllTargets({}, Shard{}).empty());

  const auto bad = MakeStaticList({"a:1", "b"});
  REQUIRE(!bad.ok());
  CHECK(bad.error().message == "expected host:port, got 'b'");
}

}  // namespace cloudmon::discovery
