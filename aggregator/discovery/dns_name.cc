// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/dns_name.h"

#include <algorithm>

#include "aggregator/discovery/discovery.h"
#include "common/text.h"

namespace cloudmon::discovery {
namespace {

Error Bad(std::string_view text) {
  return Error{
      ErrorCode::kInvalid,
      "expected name:port, or a SRV name such as _metrics._tcp.name without a port, got '" + std::string(text) + "'"};
}

}  // namespace

Result<DnsName> ParseDnsName(std::string_view text) {
  const std::string given(text::Trim(text));
  const std::size_t scheme_end = given.find("://");
  const std::size_t host_start = scheme_end == std::string::npos ? 0 : scheme_end + 3;
  const std::size_t host_end = std::min(given.find('/', host_start), given.size());
  const std::string_view host_port = std::string_view(given).substr(host_start, host_end - host_start);
  const bool is_srv = host_port.starts_with('_');
  // SRV records give the ports, and an address is nothing to look up.
  const bool has_port = host_port.find(':') != std::string_view::npos;
  if (is_srv == has_port || host_port.starts_with('[')) return Bad(given);

  const auto target = ParseTarget(host_start == 0 ? "http://" + given : given, "dns");
  if (!target.ok()) return Wrap(target.error(), given);
  DnsName name;
  name.text = given;
  name.is_srv = is_srv;
  name.host = target.value().host_port.substr(0, target.value().host_port.rfind(':'));
  if (name.host.starts_with('.') || name.host.find("..") != std::string::npos) return Bad(given);
  if (!is_srv) {
    name.port = static_cast<std::uint16_t>(
        text::ParseU64(std::string_view(target.value().host_port).substr(name.host.size() + 1)).value());
  }
  const std::string& url = target.value().url;
  name.scheme = url.substr(0, url.find(':'));
  name.path = url.substr(url.find('/', name.scheme.size() + 3));
  return name;
}

Result<std::vector<Target>> TargetsOf(const DnsName& name, std::vector<DnsEndpoint> endpoints) {
  std::ranges::sort(endpoints);
  const auto twice = std::ranges::unique(endpoints);
  endpoints.erase(twice.begin(), twice.end());
  if (endpoints.size() > kMaxDnsTargets) {
    return Error{ErrorCode::kLimit, std::to_string(endpoints.size()) + " targets, but at most " +
                                        std::to_string(kMaxDnsTargets) + " are taken from one name"};
  }
  std::vector<Target> targets;
  targets.reserve(endpoints.size());
  for (const DnsEndpoint& endpoint : endpoints) {
    const bool is_ipv6 = endpoint.address.find(':') != std::string::npos;
    Target& target = targets.emplace_back();
    target.host_port =
        (is_ipv6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
    target.url = name.scheme + "://" + target.host_port + name.path;
    target.source = "dns " + name.text;
  }
  return targets;
}

}  // namespace cloudmon::discovery
