// SPDX-License-Identifier: Apache-2.0
// What objects of the Kubernetes API say of exporters. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/discovery/target.h"

namespace cloudmon::discovery {

// The port of the exporters by its name, in the Service or in the pods.
inline constexpr std::string_view kMetricsPort = "metrics";

struct Endpoint {
  std::string address;  // "10.0.0.7", "fd00::7"
  bool is_ipv6 = false;
  std::uint16_t port = 0;
  std::string node;  // nodeName; empty: not known
  std::string pod;   // its uid; empty: not known

  bool operator==(const Endpoint&) const = default;
};

struct ObjectEndpoints {
  std::vector<Endpoint> endpoints;
  std::string problem;  // what was left out and why; empty: nothing
};

// Of a discovery.k8s.io/v1 EndpointSlice: every endpoint but those that terminate; an exporter that is not ready yet,
// or no longer, may well answer, and one that does not is to be seen as down.
[[nodiscard]] ObjectEndpoints EndpointsOfSlice(const nlohmann::json& slice);

// Of a v1 Pod: one where it has an address and neither ended nor is being deleted.
[[nodiscard]] ObjectEndpoints EndpointsOfPod(const nlohmann::json& pod);

// The targets of all objects together, sorted by address: each address and port once (a node's name is taken from
// whichever names it), and of a pod with IPv4 and IPv6 addresses those of IPv4, as both lead to the same exporter.
[[nodiscard]] std::vector<Target> TargetsOf(std::vector<Endpoint> endpoints, const std::string& scheme,
                                            const std::string& source);

}  // namespace cloudmon::discovery
