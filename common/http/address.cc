// SPDX-License-Identifier: Apache-2.0
#include "common/http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>

#include "common/text.h"

namespace cloudmon::http {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";

bool IsAddress(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  return ::inet_pton(family, text.c_str(), bytes.data()) == 1;
}

// Empty, a name, or an IPv4 address; "999.1.2.3" is neither.
bool IsHost(const std::string& host) {
  if (host.empty()) return true;
  if (host.find_first_not_of(kNameCharacters) != std::string::npos) return false;
  const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
  return !numeric || IsAddress(AF_INET, host);
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error{ErrorCode::kInvalid, "expected HOST:PORT, :PORT or [IPv6]:PORT, got '" +
                                          std::string(text.substr(0, 128)) + "': " + std::string(why)};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("there is no port");
  ListenAddress address;
  const auto port = text::ParseU64(text.substr(colon + 1));
  if (!port.ok() || port.value() > 65535) return refuse("the port must be 0 to 65535");
  address.port = static_cast<std::uint16_t>(port.value());

  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return refuse("the bracket is not closed");
    address.host = host.substr(1, host.size() - 2);
    address.is_ipv6 = true;
    if (!IsAddress(AF_INET6, address.host)) return refuse("there is no IPv6 address in the brackets");
    return address;
  }
  if (host.find(':') != std::string_view::npos) return refuse("an IPv6 address goes in brackets");
  address.host = host;
  if (!IsHost(address.host)) return refuse("the host is neither a name nor an IPv4 address");
  return address;
}

}  // namespace cloudmon::http
