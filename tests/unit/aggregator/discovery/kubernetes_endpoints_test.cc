// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/kubernetes_endpoints.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::discovery {
namespace {

using nlohmann::json;

// "10.0.0.7:9780 node-a uid-a; ..."
std::string Text(const std::vector<Endpoint>& endpoints) {
  std::string out;
  for (const Endpoint& e : endpoints) {
    out += e.address + ":" + std::to_string(e.port) + (e.is_ipv6 ? " v6 " : " ") + e.node + " " + e.pod + "; ";
  }
  return out;
}

// "http://10.0.0.7:9780/metrics=node-a ..."
std::string Text(const std::vector<Target>& targets) {
  std::string out;
  for (const Target& target : targets) out += target.url + "=" + target.node + " ";
  return out;
}

json Slice(const std::vector<json>& endpoints, const std::string& type = "IPv4",
           const json& ports = json::parse(R"([{"name": "metrics", "port": 9780, "protocol": "TCP"}])")) {
  return {{"metadata", {{"name", "exporters-x"}}}, {"addressType", type}, {"endpoints", endpoints}, {"ports", ports}};
}

const json kNodeA = json::parse(
    R"({"addresses": ["10.0.0.7"], "nodeName": "node-a", "conditions": {"ready": true, "serving": true, "terminating": false},
        "targetRef": {"kind": "Pod", "name": "exporter-a", "uid": "uid-a"}})");

// kNodeA with some members of it replaced; null takes one away.
json With(const char* patch) {
  json endpoint = kNodeA;
  endpoint.merge_patch(json::parse(patch));
  return endpoint;
}

}  // namespace

TEST_CASE("EndpointsOfSlice: good") {
  auto good = [](const json& slice, std::string_view expected) {
    CAPTURE(slice.dump());
    const ObjectEndpoints found = EndpointsOfSlice(slice);
    CHECK(Text(found.endpoints) == expected);
    CHECK(found.problem.empty());
  };
  const std::string a = "10.0.0.7:9780 node-a uid-a; ";
  good(Slice({kNodeA}), a);
  good(Slice({kNodeA, With(R"({"addresses": ["10.0.0.8"], "nodeName": "node-b", "targetRef": null})")}),
       a + "10.0.0.8:9780 node-b ; ");
  good(Slice({With(R"({"nodeName": null})")}), "10.0.0.7:9780  uid-a; ");
  good(Slice({With(R"({"addresses": ["10.0.0.7", "10.0.0.99"]})")}), a);
  good(Slice({With(R"({"conditions": {"ready": false, "serving": false}})")}), a);  // not ready is scraped
  good(Slice({With(R"({"conditions": null})")}), a);
  good(Slice({With(R"({"conditions": {"terminating": null}})")}), a);
  good(Slice({With(R"({"conditions": {"terminating": true}})"), kNodeA}), a);
  good(Slice({With(R"({"conditions": {"ready": true, "terminating": true}})")}), "");
  good(Slice({With(R"({"addresses": ["fd00::7"]})")}, "IPv6"), "fd00::7:9780 v6 node-a uid-a; ");
  const json others = json::parse(R"([{"name": "health", "port": 1}, {"name": "metrics", "port": 2, "protocol": "UDP"},
                                      {"name": "metrics", "port": 3}, {"name": "metrics", "port": 4}])");
  good(Slice({kNodeA}, "IPv4", others), "10.0.0.7:3 node-a uid-a; ");
  // A Service without pods: endpoints is null, and its slice has no ports.
  json empty = Slice({}, "IPv4", nullptr);
  empty["endpoints"] = nullptr;
  good(empty, "");
  good(Slice({}, "FQDN", nullptr), "");
}

TEST_CASE("EndpointsOfSlice: bad") {
  auto bad = [](const json& slice, std::string_view expected, std::string_view problem) {
    CAPTURE(slice.dump());
    const ObjectEndpoints found = EndpointsOfSlice(slice);
    CHECK(Text(found.endpoints) == expected);
    CHECK(found.problem == problem);
  };
  constexpr std::string_view kPort =
      "EndpointSlice exporters-x: no TCP port named metrics: name the exporters' port so in the Service";
  for (const char* ports :
       {"null", "[]", "{}", "7", R"([{"port": 9780}])", R"([{"name": "web", "port": 9780}])",
        R"([{"name": "metrics"}])", R"([{"name": "metrics", "port": null}])", R"([{"name": "metrics", "port": 0}])",
        R"([{"name": "metrics", "port": 65536}])", R"([{"name": "metrics", "port": -1}])",
        R"([{"name": "metrics", "port": 9780.5}])", R"([{"name": "metrics", "port": "9780"}])",
        R"([null, 1, "metrics"])", R"([{"name": "metrics", "port": 9780, "protocol": "SCTP"}])"}) {
    bad(Slice({kNodeA}, "IPv4", json::parse(ports)), "", kPort);
  }
  bad(Slice({kNodeA}, "FQDN"), "", "EndpointSlice exporters-x: addresses of type 'FQDN', expected IPv4 or IPv6");
  const std::string a = "10.0.0.7:9780 node-a uid-a; ";
  for (const char* addresses : {"null", "[]", "7", "[7]", R"([""])", R"({"x": 1})"}) {
    bad(Slice({With((R"({"addresses": )" + std::string(addresses) + "}").c_str()), kNodeA}), a,
        "EndpointSlice exporters-x: an endpoint with the address '', expected IPv4");
  }
  for (const std::string address : {"10.0.0", "fd00::7", "10.0.0.7/x@evil", "localhost"}) {
    bad(Slice({With((R"({"addresses": [")" + address + "\"]}").c_str())}), "",
        "EndpointSlice exporters-x: an endpoint with the address '" + address + "', expected IPv4");
  }
  bad(Slice({kNodeA}, "IPv6"), "", "EndpointSlice exporters-x: an endpoint with the address '10.0.0.7', expected IPv6");
  for (const char* object : {"null", "[]", "7", "{}", R"({"endpoints": 7})", R"({"endpoints": {}})"}) {
    bad(json::parse(object), "", "");
  }
  bad(json::parse(R"({"endpoints": [null, 7], "addressType": "IPv4", "ports": [{"name": "metrics", "port": 1}]})"), "",
      "EndpointSlice : an endpoint with the address '', expected IPv4");
}

TEST_CASE("EndpointsOfPod") {
  const json pod = json::parse(R"({"metadata": {"name": "exporter-a", "uid": "uid-a"},
      "spec": {"nodeName": "node-a", "containers": [
          {"name": "proxy", "ports": [{"name": "https", "containerPort": 8443}]},
          {"name": "exporter", "ports": [{"name": "metrics", "containerPort": 9780, "protocol": "TCP"}]}]},
      "status": {"phase": "Running", "podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "False"}]}})");
  auto read = [&](const char* patch, std::string_view expected, std::string_view problem = "") {
    CAPTURE(patch);
    json object = pod;
    object.merge_patch(json::parse(patch));
    const ObjectEndpoints found = EndpointsOfPod(object);
    CHECK(Text(found.endpoints) == expected);
    CHECK(found.problem == problem);
  };
  const std::string a = "10.0.0.7:9780 node-a uid-a; ";
  read("{}", a);
  read(R"({"status": {"phase": "Pending"}})", a);
  read(R"({"status": {"podIP": "fd00::7"}})", "fd00::7:9780 v6 node-a uid-a; ");
  read(R"({"spec": {"nodeName": null}})", "10.0.0.7:9780  uid-a; ");
  read(R"({"status": {"podIP": null}})", "");
  read(R"({"status": null})", "");
  read(R"({"status": {"phase": "Succeeded"}})", "");
  read(R"({"status": {"phase": "Failed"}})", "");
  read(R"({"metadata": {"deletionTimestamp": "2026-11-23T06:00:00Z"}})", "");
  constexpr std::string_view kPort = "pod exporter-a: no container has a TCP port named metrics";
  read(R"({"spec": {"containers": null}})", "", kPort);
  read(R"({"spec": {"containers": [{"name": "exporter"}]}})", "", kPort);
  read(R"({"spec": {"containers": [{"ports": [{"name": "metrics", "containerPort": 0}]}]}})", "", kPort);
  read(R"({"status": {"podIP": "10.0.0"}})", "", "pod exporter-a: '10.0.0' is not an address");
  for (const char* object : {"null", "[]", "7", "{}"}) CHECK(EndpointsOfPod(json::parse(object)).endpoints.empty());
}

TEST_CASE("TargetsOf: all objects together") {
  auto targets = [](std::vector<Endpoint> endpoints, std::string_view expected) {
    CHECK(Text(TargetsOf(endpoints, "http", "kubernetes x")) == expected);
    std::ranges::reverse(endpoints);
    CHECK(Text(TargetsOf(endpoints, "http", "kubernetes x")) == expected);
  };
  const Endpoint a{"10.0.0.7", false, 9780, "node-a", "uid-a"};
  const Endpoint b{"10.0.0.8", false, 9780, "node-b", "uid-b"};
  const Endpoint a6{"fd00::7", true, 9780, "node-a", "uid-a"};
  const Endpoint c6{"fd00::9", true, 9780, "node-c", "uid-c"};
  const std::string only_a = "http://10.0.0.7:9780/metrics=node-a ";
  targets({}, "");
  targets({b, a}, only_a + "http://10.0.0.8:9780/metrics=node-b ");
  targets({a, a}, only_a);  // in two slices while it moves from one to the other
  targets({a, {"10.0.0.7", false, 9780, "", "uid-a"}}, only_a);
  targets({a, {"10.0.0.7", false, 9781, "node-a", "uid-a"}}, only_a + "http://10.0.0.7:9781/metrics=node-a ");
  targets({a, a6, c6}, only_a + "http://[fd00::9]:9780/metrics=node-c ");  // two addresses of one pod
  const Endpoint x{"10.0.0.1", false, 1, "", ""};
  const Endpoint x6{"fd00::1", true, 1, "", ""};
  targets({x, x6}, "http://10.0.0.1:1/metrics= http://[fd00::1]:1/metrics= ");  // of pods that are not known

  const auto https = TargetsOf({a6}, "https", "kubernetes monitoring/exporters");
  REQUIRE(https.size() == 1);
  CHECK(https[0].url == "https://[fd00::7]:9780/metrics");
  CHECK(https[0].host_port == "[fd00::7]:9780");
  CHECK(https[0].source == "kubernetes monitoring/exporters");
}

}  // namespace cloudmon::discovery
