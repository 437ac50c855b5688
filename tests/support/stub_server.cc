// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stub_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace cloudmon::test {

std::string StubConnection::ReadRequest() {
  while (true) {
    const std::size_t end = buffer_.find("\r\n\r\n");
    if (end != std::string::npos) {
      std::string request = buffer_.substr(0, end + 4);
      buffer_.erase(0, end + 4);
      return request;
    }
    std::array<char, 4096> chunk;
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n <= 0) return {};
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

std::string StubConnection::ReadBody(std::string_view head) {
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t at = head.find(kLength);
  const std::size_t size = at == std::string_view::npos ? 0 : std::stoul(std::string(head.substr(at + kLength.size())));
  std::array<char, 4096> chunk;
  while (buffer_.size() < size) {
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n <= 0) break;
    buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  }
  std::string body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return body;
}

bool StubConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void StubConnection::WaitClosed() {
  std::array<char, 4096> chunk;
  while (::recv(fd_, chunk.data(), chunk.size(), 0) > 0) {
  }
}

StubServer::StubServer(Handler handler) : handler_(std::move(handler)) {
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(listen_fd_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listen_fd_, 64) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

StubServer::~StubServer() {
  stopping_ = true;
  ::shutdown(listen_fd_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mu_);
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : fds_) ::close(fd);
  ::close(listen_fd_);
}

void StubServer::Accept() {
  while (!stopping_) {
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    {
      const std::lock_guard lock(mu_);
      fds_.push_back(fd);
    }
    threads_.emplace_back([this, fd] {
      StubConnection connection(fd);
      handler_(connection);
      ::shutdown(fd, SHUT_RDWR);
    });
  }
}

std::string HttpAnswer(std::string_view body, std::string_view headers, std::string_view status) {
  return "HTTP/1.1 " + std::string(status) + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

StubServer::Handler AlwaysAnswer(std::string answer) {
  return [answer = std::move(answer)](StubConnection& connection) {
    while (!connection.ReadRequest().empty()) {
      if (!connection.Send(answer)) return;
    }
  };
}

}  // namespace cloudmon::test
