// SPDX-License-Identifier: Apache-2.0
// A plain HTTP client for tests of the server: sends bytes, reads replies.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/file.h"
#include "common/text.h"

namespace cloudmon::test {

inline constexpr int kHangMs = 60'000;  // a test that waits this long has failed

struct Reply {
  int status = 0;  // 0: the connection ended first
  std::string head, body;
  int chunks = 0;  // of a streamed body, with the last, empty one
};

// A plain client: sends bytes, reads replies.
class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  Reply Read(bool is_head = false) {
    Reply reply;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return reply;
    }
    reply.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    closing_ = Header(reply.head, "Connection") == "close";
    const auto length = text::ParseU64(Header(reply.head, "Content-Length"));
    const std::size_t size = length.ok() && !is_head ? length.value() : 0;
    while (buffer_.size() < size) {
      if (!Fill()) return reply;
    }
    reply.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    reply.status = static_cast<int>(text::ParseU64(reply.head.substr(9, 3)).value());
    return reply;
  }

  // Of a streamed answer. status 0: it ended before its last chunk, or what came was not chunks; `body` is what came.
  Reply ReadChunked() {
    Reply reply = Read();
    const int status = std::exchange(reply.status, 0);
    for (;;) {
      std::size_t end = 0;
      while ((end = buffer_.find("\r\n")) == std::string::npos) {
        if (!Fill()) return reply;
      }
      std::size_t size = 0;
      const auto parsed = std::from_chars(buffer_.data(), buffer_.data() + end, size, 16);
      if (parsed.ec != std::errc() || parsed.ptr != buffer_.data() + end) return reply;
      while (buffer_.size() < end + size + 4) {
        if (!Fill()) return reply;
      }
      if (buffer_.compare(end + 2 + size, 2, "\r\n") != 0) return reply;
      reply.body.append(buffer_, end + 2, size);
      buffer_.erase(0, end + size + 4);
      ++reply.chunks;
      if (size == 0) break;
    }
    reply.status = status;
    return reply;
  }

  Reply Ask(std::string_view method, std::string_view target, std::string_view rest = "\r\n") {
    Send(std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(rest));
    return Read(method == "HEAD");
  }

  // Whether the last reply said that the connection ends.
  [[nodiscard]] bool Closing() const { return closing_; }

  // Waits until the server ends the connection; drops what it sends before.
  bool Ended() {
    while (Fill()) {
      dropped_ += buffer_.size();
      buffer_.clear();
    }
    return true;
  }
  // What comes until the server ends the connection.
  std::string Rest() {
    while (Fill()) continue;
    return std::exchange(buffer_, {});
  }
  // What Ended() dropped, in bytes.
  [[nodiscard]] std::size_t Dropped() const { return dropped_; }
  // Whether the connection ended with a reset.
  [[nodiscard]] bool WasReset() const { return reset_; }

  static std::string Header(const std::string& head, const std::string& name) {
    const std::size_t at = head.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }

 private:
  // False at the end of the stream.
  bool Fill() {
    pollfd wait{fd_.get(), POLLIN, 0};
    REQUIRE_MESSAGE(::poll(&wait, 1, kHangMs) == 1, "no answer");
    std::array<char, 65536> piece;
    const ssize_t count = ::recv(fd_.get(), piece.data(), piece.size(), 0);
    reset_ = count < 0;
    if (count <= 0) return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(count));
    return true;
  }

  UniqueFd fd_;
  std::string buffer_;
  bool closing_ = false;
  bool reset_ = false;
  std::size_t dropped_ = 0;
};

}  // namespace cloudmon::test
