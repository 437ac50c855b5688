// SPDX-License-Identifier: Apache-2.0
#include "common/http/sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace cloudmon::http {
namespace {

// The lowest numbers are given first, so the search ends early; this bounds it where the limit on open files is huge.
constexpr int kMaxDescriptors = 65536;

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  // 0 where it is not an IP address.
  [[nodiscard]] std::uint16_t Port() const {
    if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
    if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
    return 0;
  }
  [[nodiscard]] bool IsHost(std::string_view address) const {
    std::array<char, NI_MAXHOST> text{};
    return ::getnameinfo(get(), length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0 &&
           address == text.data();
  }
};

// The first descriptor for which `wanted` holds; -1 without one.
template <class Wanted>
int FindDescriptor(Wanted wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, kMaxDescriptors));
  for (int fd = 0; fd < end; ++fd) {
    if (wanted(fd)) return fd;
  }
  return -1;
}

bool HasLocalPort(int fd, std::uint16_t port) {
  Endpoint local;
  return ::getsockname(fd, local.get(), &local.length) == 0 && local.Port() == port;
}

int FindConnection(std::uint16_t local_port, std::string_view peer_address, std::uint16_t peer_port) {
  return FindDescriptor([&](int fd) {
    Endpoint peer;
    return ::getpeername(fd, peer.get(), &peer.length) == 0 && peer.Port() == peer_port &&
           HasLocalPort(fd, local_port) && peer.IsHost(peer_address);
  });
}

}  // namespace

bool EndConnection(std::uint16_t local_port, std::string_view peer_address, std::uint16_t peer_port) {
  return ::shutdown(FindConnection(local_port, peer_address, peer_port), SHUT_RDWR) == 0;
}

bool ResetConnection(std::uint16_t local_port, std::string_view peer_address, std::uint16_t peer_port) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;  // to connect there dissolves the connection; closing it would end it in good order
  return ::connect(FindConnection(local_port, peer_address, peer_port), &nobody, sizeof(nobody)) == 0;
}

bool EndListening(std::uint16_t port) {
  const int found = FindDescriptor([&](int fd) {
    int listening = 0;
    socklen_t length = sizeof(listening);
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0 &&
           HasLocalPort(fd, port);
  });
  return ::shutdown(found, SHUT_RDWR) == 0;
}

}  // namespace cloudmon::http
