// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "aggregator/discovery/discovery.h"
#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::discovery {
namespace {

constexpr std::string_view kDefaultPath = "/metrics";

bool IsAlnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         std::ranges::all_of(host, [](char c) { return IsAlnum(c) || c == '.' || c == '-' || c == '_'; });
}

// "[::1]", "[fe80::1%25eth0]". Whether the address is a real one is for the resolver to say.
bool IsBracketedAddress(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  host = host.substr(1, host.size() - 2);
  return host.find(':') != std::string_view::npos && std::ranges::all_of(host, [](char c) {
           return IsAlnum(c) || c == ':' || c == '.' || c == '%' || c == '_' || c == '-';
         });
}

bool IsPort(std::string_view port) {
  const auto number = text::ParseU64(port);
  return number.ok() && number.value() >= 1 && number.value() <= 65535 && port.size() <= 5;
}

bool IsPath(std::string_view path) {
  return path.starts_with('/') && std::ranges::all_of(path, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

std::string Lower(std::string_view in) {
  std::string out(in);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

Error Bad(std::string_view text, std::string_view expected) {
  return Error{ErrorCode::kInvalid, "expected " + std::string(expected) + ", got '" + SanitizeUtf8(text) + "'"};
}

}  // namespace

Result<Target> ParseTarget(std::string_view text, std::string source) {
  std::string_view rest = text::Trim(text);
  std::string scheme = "http";
  const bool is_url = rest.find("://") != std::string_view::npos;
  if (is_url) {
    scheme = Lower(rest.substr(0, rest.find("://")));
    rest.remove_prefix(scheme.size() + 3);
    if (scheme != "http" && scheme != "https") return Bad(text, "http:// or https://");
  }

  const std::size_t path_start = std::min(rest.find_first_of("/?#"), rest.size());
  std::string host_port = Lower(rest.substr(0, path_start));
  std::string_view path = rest.substr(path_start);
  if (path.empty() || path == "/") path = kDefaultPath;
  if (host_port.find('@') != std::string::npos) return Bad(text, "an address without a user name");
  if (!IsPath(path)) return Bad(text, "a path that begins with / and has no blanks and no #");

  const std::size_t colon = host_port.rfind(':');
  const bool has_port = colon != std::string::npos && !host_port.ends_with(']');
  if (!has_port && !is_url) return Bad(text, "host:port");
  if (!has_port) host_port += scheme == "https" ? ":443" : ":80";
  const std::string_view host = std::string_view(host_port).substr(0, host_port.rfind(':'));
  const std::string_view port = std::string_view(host_port).substr(host.size() + 1);
  if (!IsPort(port)) return Bad(text, "host:port with a port from 1 to 65535");
  if (!IsHostName(host) && !IsBracketedAddress(host)) {
    return Bad(text, "host:port (an IPv6 address goes in brackets: [::1]:9780)");
  }

  Target target;
  target.url = scheme + "://" + host_port + std::string(path);
  target.host_port = std::move(host_port);
  target.source = std::move(source);
  return target;
}

}  // namespace cloudmon::discovery
