// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/exporter/identity/scripted_runtime.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace cloudmon::test {
namespace {

// RFC 9113
constexpr std::size_t kPrefaceBytes = 24;
constexpr std::size_t kFrameHeaderBytes = 9;
constexpr std::size_t kLargestFrame = 16'384;
constexpr char kData = 0, kHeaders = 1, kSettings = 4;
constexpr char kEndStream = 1, kEndHeaders = 4, kAck = 1;

std::string Frame(char type, char flags, char stream, std::string_view payload) {
  std::string frame;
  for (int shift = 16; shift >= 0; shift -= 8) frame += static_cast<char>((payload.size() >> shift) & 0xFFU);
  frame += {type, flags, 0, 0, 0, stream};
  frame += payload;
  return frame;
}

// RFC 7541: a literal without indexing, neither part in Huffman code.
std::string Field(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  field += static_cast<char>(name.size());
  field += name;
  field += static_cast<char>(value.size());
  field += value;
  return field;
}

// Reads until the client has sent its request (a DATA frame that ends the stream). False when it closed before.
bool ReadRequest(int fd) {
  std::string in;
  std::size_t at = kPrefaceBytes;
  char buffer[4096];
  while (true) {
    while (in.size() >= at + kFrameHeaderBytes) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[at + i]); };
      if (byte(3) == kData && (byte(4) & kEndStream) != 0) return true;
      at += kFrameHeaderBytes + (std::size_t{byte(0)} << 16U | std::size_t{byte(1)} << 8U | byte(2));
    }
    const ssize_t n = ::recv(fd, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    in.append(buffer, static_cast<std::size_t>(n));
  }
}

// Takes in what the client has sent meanwhile; with `wait` until it closes.
void Drain(int fd, bool wait) {
  char rest[4096];
  while (::recv(fd, rest, sizeof(rest), wait ? 0 : MSG_DONTWAIT) > 0) {
  }
}

void Serve(int listener, const ScriptedRuntime::Answer& answer) {
  constexpr std::size_t kChunk = 65'536;
  const UniqueFd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!ReadRequest(peer.get())) return;
  for (std::string_view rest = answer.bytes; !rest.empty();) {
    const ssize_t n = ::send(peer.get(), rest.data(), std::min(rest.size(), kChunk), MSG_NOSIGNAL);
    if (n <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(n));
    Drain(peer.get(), false);
  }
  if (answer.hang_up) ::shutdown(peer.get(), SHUT_WR);
  Drain(peer.get(), true);  // closing with unread bytes would throw away what was sent
}

}  // namespace

RawSocket::RawSocket(int backlog) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string where = path();
  REQUIRE(where.size() < sizeof(address.sun_path));
  std::memcpy(address.sun_path, where.c_str(), where.size());
  REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  if (backlog > 0) REQUIRE(::listen(fd_.get(), backlog) == 0);
}

std::string Http2Answer(std::string_view body, const std::vector<std::pair<std::string, std::string>>& trailers,
                        std::string_view status) {
  constexpr char kStream = 1;  // the client's first
  std::string out = Frame(kSettings, 0, 0, "") + Frame(kSettings, kAck, 0, "");
  out += Frame(kHeaders, kEndHeaders, kStream, Field(":status", status) + Field("content-type", "application/grpc"));
  for (std::size_t at = 0; at < body.size(); at += kLargestFrame) {
    out += Frame(kData, 0, kStream, body.substr(at, kLargestFrame));
  }
  if (trailers.empty()) return out + Frame(kData, kEndStream, kStream, "");
  std::string fields;
  for (const auto& [name, value] : trailers) fields += Field(name, value);
  return out + Frame(kHeaders, kEndHeaders | kEndStream, kStream, fields);
}

ScriptedRuntime::ScriptedRuntime(std::vector<Answer> answers)
    : socket_(8), server_([fd = socket_.fd(), answers = std::move(answers)] {
        for (const Answer& answer : answers) Serve(fd, answer);
      }) {}

ScriptedRuntime::~ScriptedRuntime() {
  ::shutdown(socket_.fd(), SHUT_RDWR);  // ends a wait for a call that never comes
  server_.join();
}

}  // namespace cloudmon::test
