// SPDX-License-Identifier: Apache-2.0
#include "common/http/server.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/common/client.h"

namespace http = cloudmon::http;
using cloudmon::test::Client;
using cloudmon::test::Reply;

namespace {

constexpr int kForeverMs = 3'600'000;  // an idle timeout that never comes: nothing can be right by waiting for it
constexpr std::size_t kBigBytes = 32U << 20U;  // more than socket buffers hold

http::Router MakeRouter() {
  http::Router router;
  const auto text = [](std::string body) {
    http::Response response;
    response.body = std::move(body);
    return response;
  };
  router.Add("GET", "/hello", "", [=](const http::Request&) { return text("hello\n"); });
  router.Add("GET", "/name/{name}", "", [=](const http::Request& r) { return text(r.path_params.at("name")); });
  router.Add("GET", "/query", "", [=](const http::Request& r) { return text(r.query); });
  router.Add("POST", "/echo", "", [=](const http::Request& r) { return text(r.body); });
  router.Add("GET", "/big", "", [=](const http::Request&) { return text(std::string(kBigBytes, 'x')); });
  router.Add("GET", "/throws", "", [](const http::Request&) -> http::Response { throw std::string("no"); });
  return router;
}

std::unique_ptr<http::Server> StartServer(http::ServerOptions options = {}, http::Router router = MakeRouter()) {
  if (options.listen_address == ":0") options.listen_address = "127.0.0.1:0";
  auto server = http::Server::Start(options, std::move(router));
  REQUIRE_MESSAGE(server.ok(), server.error().message);
  return std::move(server).value();
}

Reply Get(std::uint16_t port, std::string_view target) {
  return Client(port).Ask("GET", target);
}

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) == -1 ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("answers, keeps the connection, and HEAD has no body") {
  const auto server = StartServer();
  Client client(server->port());
  Reply reply = client.Ask("GET", "/hello");
  CHECK(reply.status == 200);
  CHECK(reply.body == "hello\n");
  CHECK(Client::Header(reply.head, "Content-Type") == "text/plain; charset=utf-8");
  CHECK(Client::Header(reply.head, "Server").empty());
  reply = client.Ask("HEAD", "/hello");
  CHECK(reply.status == 200);
  CHECK(Client::Header(reply.head, "Content-Length") == "6");
  CHECK(client.Ask("GET", "/hello").body == "hello\n");
  CHECK(client.Ask("GET", "/query?a=%20&b=?").body == "a=%20&b=?");
  CHECK(client.Ask("POST", "/hello").status == 405);
  CHECK(client.Ask("OPTIONS", "/hello", "Origin: x\r\nAccess-Control-Request-Method: GET\r\n\r\n").status == 204);
  CHECK(client.Ask("GET", "/throws").status == 500);
  reply = client.Ask("GET", "/hello", "Connection: close\r\n\r\n");
  CHECK(Client::Header(reply.head, "Connection") == "close");
  CHECK(client.Ended());
}

TEST_CASE("HTTP/1.0 is answered and closed") {
  const auto server = StartServer();
  Client client(server->port());
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(client.Read().body == "hello\n");
  CHECK(client.Ended());
}

TEST_CASE("paths are decoded once, segment by segment, and never crash") {
  const auto server = StartServer();
  auto is = [&](std::string_view path, int status, std::string_view body) {
    CAPTURE(path);
    const Reply reply = Get(server->port(), path);
    CHECK(reply.status == status);
    if (status == 200) CHECK(reply.body == body);
  };
  is("/name/a%2Fb", 200, "a/b");
  is("/name/a%2520", 200, "a%20");
  is("/name/a+b", 200, "a+b");
  is("/name/%C3%A9", 200, "\xC3\xA9");
  is("/name/%ff", 200, "\xEF\xBF\xBD");
  is("/name/a\\b", 200, "a\\b");
  is("/%66ello", 404, "");
  is("/%68ello", 200, "hello\n");
  is("/name/%", 400, "");
  is("/name/%zz", 400, "");
  is("/name/%f", 400, "");
  is("/%ff/%fe", 404, "");
  is("/name/\xFF", 400, "");
  is("hello", 400, "");
  is("http://anything:" + std::to_string(server->port()) + "/hello", 200, "hello\n");
}

TEST_CASE("no file is ever served or written") {
  const auto server = StartServer();
  for (std::string_view path : {"/CMakeLists.txt", "/../../../../etc/passwd", "/..%2f..%2fetc/passwd", "/.", "/tests/",
                                "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/index.cgi", "/x.shtml", "/x.php"}) {
    CAPTURE(path);
    const Reply reply = Get(server->port(), path);
    CHECK(reply.status == 404);
    CHECK(reply.body.starts_with("{\"error\""));
  }
  for (std::string_view method : {"PUT", "DELETE", "MKCOL", "PROPFIND", "PATCH", "LOCK"}) {
    CAPTURE(method);
    CHECK(Client(server->port()).Ask(method, "/dropped.txt").status == 404);
  }
  CHECK(!std::filesystem::exists("dropped.txt"));
}

TEST_CASE("what is not HTTP is refused as JSON") {
  const auto server = StartServer();
  auto is = [&](const std::string& bytes, int status) {
    CAPTURE(bytes.substr(0, 60));
    Client client(server->port());
    client.Send(bytes);
    const Reply reply = client.Read();
    CHECK(reply.status == status);
    CHECK(reply.body.starts_with("{\"error\""));
    CHECK(reply.head.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
    CHECK(client.Ended());
  };
  is("nonsense\r\n\r\n", 400);
  is("GET /\r\n\r\n", 400);
  is("BREW / HTTP/1.1\r\n\r\n", 400);
  is("GET / HTTP/2.0\r\n\r\n", 505);
  is("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400);
  is("\x16\x03\x01\x02", 400);  // TLS
  is("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n", 400);
  is("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'x') + "\r\n\r\n", 400);
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 100; ++i) many += "H" + std::to_string(i) + ": x\r\n";
  is(many + "\r\n", 431);
}

TEST_CASE("bodies are read whole, bounded, in both framings") {
  http::ServerOptions options;
  options.max_body_bytes = 100'000;
  const auto server = StartServer(options);
  auto is = [&](const std::string& rest, int status, const std::string& body) {
    CAPTURE(rest.substr(0, 80));
    const Reply reply = Client(server->port()).Ask("POST", "/echo", rest);
    CHECK(reply.status == status);
    if (status == 200) CHECK(reply.body == body);
  };
  const std::string full(100'000, 'b');
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  is("Content-Length: 3\r\n\r\nabc", 200, "abc");
  is("Content-Length: 0\r\n\r\n", 200, "");
  is("Content-Length: 100000\r\n\r\n" + full, 200, full);
  is("Content-Length: 100001\r\n\r\n" + full + "b", 413, "");
  is("Content-Length: 99999999999999\r\n\r\n", 413, "");
  is(chunked + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, "abcde");
  is(chunked + "186A0\r\n" + full + "\r\n0\r\n\r\n", 200, full);
  is(chunked + "186A1\r\nb" + full + "\r\n0\r\n\r\n", 413, "");
  is(chunked + "zz\r\n", 400, "");
  is(chunked + "3\r\nabcde\r\n0\r\n\r\n", 400, "");
  is(chunked + "-1\r\n", 400, "");
  is("Content-Length: -1\r\n\r\n", 400, "");
  is("Content-Length: 99999999999999999999999\r\n\r\n", 400, "");
  is("Content-Length: 3x\r\n\r\nabc", 400, "");
  is("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, "");
  is("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "");
  is("Transfer-Encoding: gzip\r\n\r\n", 400, "");
  is("Expect: something\r\nContent-Length: 3\r\n\r\nabc", 417, "");
}

TEST_CASE("a client that asks first is told to continue") {
  const auto server = StartServer();
  Client client(server->port());
  client.Send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.Read().status == 100);
  client.Send("abc");
  CHECK(client.Read().body == "abc");
}

TEST_CASE("a body that stops is refused") {
  http::ServerOptions options;
  options.idle_timeout_ms = 50;
  const auto server = StartServer(options);
  for (const std::string rest : {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"}) {
    CAPTURE(rest);
    Client client(server->port());
    const int status = client.Ask("POST", "/echo", rest).status;
    CHECK((status == 408 || status == 400));
    CHECK(client.Ended());
  }
  Client half(server->port());
  half.Send("GET /hello HT");
  CHECK(half.Ended());
  Client silent(server->port());
  CHECK(silent.Ended());
}

TEST_CASE("requests sent at once are answered in order") {
  const auto server = StartServer();
  Client client(server->port());
  client.Send(
      "GET /name/1 HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\nContent-Length: 1\r\n\r\n2"
      "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n3\r\n0\r\n\r\nGET /name/4 HTTP/1.1\r\n\r\n");
  for (const char* want : {"1", "2", "3", "4"}) CHECK(client.Read().body == want);
}

TEST_CASE("hundreds of clients that say nothing keep no one from being served") {
  http::ServerOptions options;
  options.threads = 4;
  options.idle_timeout_ms = kForeverMs;
  const auto server = StartServer(options);
  std::vector<std::unique_ptr<Client>> idle;
  SUBCASE("silent since they connected") {
    for (int i = 0; i < 200; ++i) idle.push_back(std::make_unique<Client>(server->port()));
  }
  SUBCASE("after one request each, asking for the connection to be kept") {
    for (int i = 0; i < 200; ++i) {
      idle.push_back(std::make_unique<Client>(server->port()));
      CHECK(idle.back()->Ask("GET", "/hello", "Connection: keep-alive\r\n\r\n").status == 200);
    }
  }
  SUBCASE("in the middle of a request") {
    for (int i = 0; i < 200; ++i) {
      idle.push_back(std::make_unique<Client>(server->port()));
      idle.back()->Send("GET /hello HTTP/1.1\r\nHo");
    }
  }
  SUBCASE("in the middle of a body") {
    for (int i = 0; i < 200; ++i) {
      idle.push_back(std::make_unique<Client>(server->port()));
      idle.back()->Send("POST /echo HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
    }
  }
  SUBCASE("not reading a big answer") {
    for (int i = 0; i < 8; ++i) {
      idle.push_back(std::make_unique<Client>(server->port()));
      idle.back()->Send("GET /big HTTP/1.1\r\n\r\n");
    }
  }
  for (int i = 0; i < 20; ++i) CHECK(Get(server->port(), "/hello").body == "hello\n");
}

TEST_CASE("clients that go in the middle of an answer do no harm") {
  const auto server = StartServer();
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 10; ++i) {
    Client client(server->port());
    client.Send("GET /big HTTP/1.1\r\n\r\n");
    if (i % 2 == 0) client.Send("GET /big HTTP/1.1\r\n\r\n");
  }
  CHECK(Get(server->port(), "/big").body.size() == kBigBytes);
  while (OpenDescriptors() > before) std::this_thread::yield();  // each connection is closed in the end
}

TEST_CASE("four clients at full speed, kept connections and new ones") {
  http::ServerOptions options;
  options.threads = 6;
  const auto server = StartServer(options);
  std::atomic<int> good = 0;
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&, t] {
      Client kept(server->port());
      for (int i = 0; i < 200; ++i) {
        const std::string name = std::to_string(t) + "-" + std::to_string(i);
        good += kept.Ask("GET", "/name/" + name).body == name ? 1 : 0;
        if (i % 4 == 0) good += Get(server->port(), "/name/" + name).body == name ? 1 : 0;
        // Where many are served, connections are not kept: that is said, and not an error.
        if (kept.Closing()) kept = Client(server->port());
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(good == 4 * 250);
}

TEST_CASE("the destructor ends idle connections and waits for running handlers") {
  std::mutex mu;
  std::condition_variable changed;
  bool entered = false;
  bool released = false;
  std::atomic<bool> finished = false;
  http::Router router = MakeRouter();
  router.Add("GET", "/slow", "", [&](const http::Request&) {
    std::unique_lock lock(mu);
    entered = true;
    changed.notify_all();
    changed.wait(lock, [&] { return released; });
    finished = true;
    return http::Response{};
  });
  http::ServerOptions options;
  options.threads = 32;
  options.idle_timeout_ms = kForeverMs;
  auto server = StartServer(options, std::move(router));
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 20; ++i) idle.push_back(std::make_unique<Client>(server->port()));
  CHECK(idle[0]->Ask("GET", "/hello").status == 200);
  idle[1]->Send("GET /slow HTTP/1.1\r\n\r\n");
  {
    std::unique_lock lock(mu);
    changed.wait(lock, [&] { return entered; });
    released = true;
    changed.notify_all();
  }
  server.reset();
  CHECK(finished);
  for (auto& client : idle) CHECK(client->Ended());
}

TEST_CASE("a handler may use 48 KiB of stack") {
  http::Router router;
  router.Add("GET", "/deep", "", [](const http::Request& request) {
    std::array<volatile char, 48U << 10U> stack;
    for (std::size_t i = 0; i < stack.size(); i += 512) stack[i] = request.path[0];
    http::Response response;
    response.body = stack[512];
    return response;
  });
  const auto server = StartServer({}, std::move(router));
  CHECK(Get(server->port(), "/deep").body == "/");
}

TEST_CASE("starting and stopping leaves nothing open") {
  StartServer();
  const std::size_t before = OpenDescriptors();
  for (int i = 0; i < 5; ++i) {
    const auto server = StartServer();
    CHECK(Get(server->port(), "/hello").status == 200);
  }
  CHECK(OpenDescriptors() == before);
}

TEST_CASE("addresses") {
  for (std::string_view address : {":0", "localhost:0", "0.0.0.0:0", "127.0.0.1:0"}) {
    CAPTURE(address);
    http::ServerOptions options;
    options.listen_address = address;
    auto server = http::Server::Start(options, MakeRouter());
    REQUIRE(server.ok());
    CHECK(Get(server.value()->port(), "/hello").status == 200);
  }
  auto refused = [](const std::string& address, cloudmon::ErrorCode code, std::string_view part) {
    CAPTURE(address);
    http::ServerOptions options;
    options.listen_address = address;
    const auto server = http::Server::Start(options, MakeRouter());
    REQUIRE(!server.ok());
    CAPTURE(server.error().message);
    CHECK(server.error().code == code);
    CHECK(server.error().message.starts_with("listen on " + address + ": "));
    CHECK(server.error().message.find(part) != std::string::npos);
  };
  refused("nonsense", cloudmon::ErrorCode::kInvalid, "expected HOST:PORT");
  refused("name.invalid:0", cloudmon::ErrorCode::kInvalid, "name.invalid");
  refused("192.0.2.1:0", cloudmon::ErrorCode::kIo, "no such address");
  const auto server = StartServer();
  refused("127.0.0.1:" + std::to_string(server->port()), cloudmon::ErrorCode::kIo,
          "address already in use; stop the other program or choose another --web.listen-address");
}
