// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/dns_name.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::discovery {
namespace {

std::string Urls(const std::vector<Target>& targets) {
  std::string out;
  for (const Target& target : targets) out += target.url + " ";
  return out;
}

}  // namespace

TEST_CASE("ParseDnsName: good") {
  auto good = [](std::string_view text, std::string_view host, bool is_srv, std::uint16_t port, std::string_view scheme,
                 std::string_view path) {
    CAPTURE(text);
    const auto name = ParseDnsName(text);
    REQUIRE_MESSAGE(name.ok(), name.error().message);
    CHECK(name.value().host == host);
    CHECK(name.value().is_srv == is_srv);
    CHECK(name.value().port == port);
    CHECK(name.value().scheme == scheme);
    CHECK(name.value().path == path);
  };
  good("exporters:9780", "exporters", false, 9780, "http", "/metrics");
  good(" Exporters.Monitoring.svc:9780\n", "exporters.monitoring.svc", false, 9780, "http", "/metrics");
  good("exporters.example.:1", "exporters.example.", false, 1, "http", "/metrics");
  good("https://exporters:65535", "exporters", false, 65535, "https", "/metrics");
  good("exporters:9780/x/y?z=1", "exporters", false, 9780, "http", "/x/y?z=1");
  good("_metrics._tcp.exporters.monitoring.svc", "_metrics._tcp.exporters.monitoring.svc", true, 0, "http", "/metrics");
  good("https://_metrics._tcp.exporters", "_metrics._tcp.exporters", true, 0, "https", "/metrics");
  good("_metrics._tcp.exporters./x", "_metrics._tcp.exporters.", true, 0, "http", "/x");
}

TEST_CASE("ParseDnsName: bad") {
  auto bad = [](std::string_view text, std::string_view expected) {
    CAPTURE(text);
    const auto name = ParseDnsName(text);
    REQUIRE(!name.ok());
    CHECK(name.error().code == ErrorCode::kInvalid);
    CHECK_MESSAGE(name.error().message.find(expected) != std::string::npos, name.error().message);
  };
  constexpr std::string_view kExpected = "expected name:port, or a SRV name such as _metrics._tcp.name without a port";
  bad("", kExpected);
  bad("exporters", kExpected);
  bad("https://exporters", kExpected);
  bad("_metrics._tcp.exporters:9780", kExpected);
  bad("[::1]:9780", kExpected);
  bad(".exporters:1", kExpected);
  bad("a..b:1", kExpected);
  bad("_metrics..exporters", kExpected);
  bad("exporters:0", "port from 1 to 65535");
  bad("exporters:65536", "port from 1 to 65535");
  bad("exporters:http", "port from 1 to 65535");
  bad(":9780", "host:port");
  bad("ex porters:9780", "host:port");
  bad(std::string(254, 'a') + ":1", "host:port");
  bad("ftp://exporters:21", "http:// or https://");
  bad("user@exporters:1", "without a user name");
}

TEST_CASE("TargetsOf: sorted, each once, IPv6 in brackets, the name's scheme and path") {
  const DnsName name = ParseDnsName("https://exporters:9780/x").value();
  const auto targets = TargetsOf(name, {{"fd00::7", 9780}, {"10.0.0.8", 9780}, {"10.0.0.7", 9780}, {"10.0.0.8", 9780}});
  REQUIRE(targets.ok());
  CHECK(Urls(targets.value()) == "https://10.0.0.7:9780/x https://10.0.0.8:9780/x https://[fd00::7]:9780/x ");
  CHECK(targets.value()[2].host_port == "[fd00::7]:9780");
  CHECK(targets.value()[0].source == "dns https://exporters:9780/x");
  CHECK(targets.value()[0].node.empty());

  const DnsName srv = ParseDnsName("_metrics._tcp.exporters").value();
  const auto ports = TargetsOf(srv, {{"10.0.0.7", 2}, {"10.0.0.7", 1}});
  CHECK(Urls(ports.value()) == "http://10.0.0.7:1/metrics http://10.0.0.7:2/metrics ");
  CHECK(TargetsOf(srv, {}).value().empty());
}

TEST_CASE("TargetsOf: at most 5,000 different ones") {
  const DnsName name = ParseDnsName("_metrics._tcp.exporters").value();
  std::vector<DnsEndpoint> endpoints;
  for (std::uint16_t port = 1; port <= 5000; ++port) endpoints.push_back({"10.0.0.7", port});
  endpoints.push_back({"10.0.0.7", 1});
  CHECK(TargetsOf(name, endpoints).ok());
  endpoints.push_back({"10.0.0.8", 1});
  const auto too_many = TargetsOf(name, endpoints);
  REQUIRE(!too_many.ok());
  CHECK(too_many.error().code == ErrorCode::kLimit);
  CHECK(too_many.error().message == "5001 targets, but at most 5000 are taken from one name");
}

}  // namespace cloudmon::discovery
