// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/kubernetes_endpoints.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace cloudmon::discovery {
namespace {

using nlohmann::json;

// The member, or null where there is none, whatever `object` is.
const json& At(const json& object, const char* name) {
  static const json none;
  if (!object.is_object()) return none;
  const auto found = object.find(name);
  return found == object.end() ? none : *found;
}

std::string Text(const json& object, const char* name) {
  const json& value = At(object, name);
  return value.is_string() ? value.get<std::string>() : "";
}

bool IsAddress(const std::string& text, bool is_ipv6) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1;
}

// The number under `number` of the TCP port called metrics.
std::optional<std::uint16_t> MetricsPort(const json& ports, const char* number) {
  if (!ports.is_array()) return std::nullopt;
  for (const json& port : ports) {
    if (Text(port, "name") != kMetricsPort) continue;
    if (const std::string protocol = Text(port, "protocol"); !protocol.empty() && protocol != "TCP") continue;
    const json& value = At(port, number);
    if (value.is_number_integer() && value > 0 && value < 65536) return value.get<std::uint16_t>();
  }
  return std::nullopt;
}

std::string NameOf(const json& object) {
  return Text(At(object, "metadata"), "name");
}

}  // namespace

ObjectEndpoints EndpointsOfSlice(const json& slice) {
  ObjectEndpoints out;
  const std::string name = "EndpointSlice " + NameOf(slice);
  const json& endpoints = At(slice, "endpoints");  // null: the Service has none
  if (!endpoints.is_array() || endpoints.empty()) return out;
  const std::string type = Text(slice, "addressType");
  if (type != "IPv4" && type != "IPv6") {
    out.problem = name + ": addresses of type '" + type + "', expected IPv4 or IPv6";
    return out;
  }
  const auto port = MetricsPort(At(slice, "ports"), "port");
  if (!port) {
    out.problem =
        name + ": no TCP port named " + std::string(kMetricsPort) + ": name the exporters' port so in the Service";
    return out;
  }
  for (const json& endpoint : endpoints) {
    if (At(At(endpoint, "conditions"), "terminating") == true) continue;
    // Further addresses would lead to the same exporter.
    const json& addresses = At(endpoint, "addresses");
    const bool has_text = addresses.is_array() && !addresses.empty() && addresses.front().is_string();
    Endpoint found{has_text ? addresses.front().get<std::string>() : "", type == "IPv6", *port,
                   Text(endpoint, "nodeName"), Text(At(endpoint, "targetRef"), "uid")};
    if (IsAddress(found.address, found.is_ipv6)) {
      out.endpoints.push_back(std::move(found));
    } else {
      out.problem = name + ": an endpoint with the address '" + found.address + "', expected " + type;
    }
  }
  return out;
}

ObjectEndpoints EndpointsOfPod(const json& pod) {
  ObjectEndpoints out;
  const json& status = At(pod, "status");
  const std::string phase = Text(status, "phase");
  Endpoint found{.address = Text(status, "podIP"),
                 .is_ipv6 = false,
                 .port = 0,
                 .node = Text(At(pod, "spec"), "nodeName"),
                 .pod = Text(At(pod, "metadata"), "uid")};
  const bool is_there = At(At(pod, "metadata"), "deletionTimestamp").is_null() && phase != "Succeeded" &&
                        phase != "Failed" && !found.address.empty();
  if (!is_there) return out;
  const std::string name = "pod " + NameOf(pod);
  found.is_ipv6 = found.address.find(':') != std::string::npos;
  if (!IsAddress(found.address, found.is_ipv6)) {
    out.problem = name + ": '" + found.address + "' is not an address";
    return out;
  }
  if (const json& containers = At(At(pod, "spec"), "containers"); containers.is_array()) {
    for (const json& container : containers) {
      if (const auto port = MetricsPort(At(container, "ports"), "containerPort"); port && found.port == 0) {
        found.port = *port;
      }
    }
  }
  if (found.port == 0) {
    out.problem = name + ": no container has a TCP port named " + std::string(kMetricsPort);
  } else {
    out.endpoints.push_back(std::move(found));
  }
  return out;
}

std::vector<Target> TargetsOf(std::vector<Endpoint> endpoints, const std::string& scheme, const std::string& source) {
  // IPv4 first; of the same address the one with a node first.
  std::ranges::sort(endpoints, [](const Endpoint& a, const Endpoint& b) {
    return std::forward_as_tuple(a.is_ipv6, a.address, a.port, b.node) <
           std::forward_as_tuple(b.is_ipv6, b.address, b.port, a.node);
  });
  std::unordered_set<std::string> ipv4_pods;
  std::vector<Target> targets;
  for (Endpoint& endpoint : endpoints) {
    if (endpoint.is_ipv6 && ipv4_pods.contains(endpoint.pod)) continue;
    if (!endpoint.is_ipv6 && !endpoint.pod.empty()) ipv4_pods.insert(endpoint.pod);
    const std::string host = endpoint.is_ipv6 ? "[" + endpoint.address + "]" : endpoint.address;
    Target target;
    target.host_port = host + ":" + std::to_string(endpoint.port);
    if (!targets.empty() && targets.back().host_port == target.host_port) continue;
    target.url = scheme + "://" + target.host_port + "/metrics";
    target.node = std::move(endpoint.node);
    target.source = source;
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace cloudmon::discovery
