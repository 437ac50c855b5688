// SPDX-License-Identifier: Apache-2.0
// A HTTP server for tests on 127.0.0.1 that can misbehave: what it sends is up to the test, byte for byte.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace cloudmon::test {

// One accepted connection, as the handler sees it.
class StubConnection {
 public:
  explicit StubConnection(int fd) : fd_(fd) {}
  // The next request's head; empty when the other side closed.
  std::string ReadRequest();
  // The bytes that follow a head, as its Content-Length says; fewer when the other side closed.
  std::string ReadBody(std::string_view head);
  // False when the other side closed.
  bool Send(std::string_view bytes);
  // Blocks until the other side (or the server's end) closes, discarding what comes.
  void WaitClosed();

 private:
  int fd_;
  std::string buffer_;
};

class StubServer {
 public:
  // Called on a thread of its own for each connection, which is closed when it returns.
  using Handler = std::function<void(StubConnection&)>;

  explicit StubServer(Handler handler);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string HostPort() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string Url(std::string_view path = "/metrics") const {
    return "http://" + HostPort() + std::string(path);
  }
  [[nodiscard]] int connections() const { return connections_; }  // accepted so far

 private:
  void Accept();

  Handler handler_;
  int listen_fd_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mu_;
  std::vector<int> fds_;              // guarded by mu_; closed at the end
  std::vector<std::thread> threads_;  // of connections; touched by the accepting thread, then by the destructor
  std::thread acceptor_;
};

// "HTTP/1.1 200 OK" with Content-Length; `headers` are whole lines with \r\n.
[[nodiscard]] std::string HttpAnswer(std::string_view body, std::string_view headers = "",
                                     std::string_view status = "200 OK");

// A handler that answers each request on a connection with the same bytes.
[[nodiscard]] StubServer::Handler AlwaysAnswer(std::string answer);

}  // namespace cloudmon::test
