// SPDX-License-Identifier: Apache-2.0
#include "common/http/stream.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "common/http/exchange.h"
#include "common/http/gzip.h"
#include "common/http/server.h"
#include "tests/unit/common/client.h"

namespace http = cloudmon::http;
using cloudmon::test::Client;
using cloudmon::test::Reply;

namespace {

constexpr int kForeverMs = 3'600'000;
constexpr std::size_t kMiB = 1U << 20U;

// Lines until they have that many bytes.
std::string Lines(std::size_t bytes) {
  std::string text;
  for (std::uint64_t i = 0; text.size() < bytes; ++i)
    text += "{\"time\":" + std::to_string(1'000'000'000 + i * 7919) + "}\n";
  return text;
}

using Stream = std::function<bool(const http::BodySink&)>;

// A server that answers GET /stream with that, GET /plain without a stream.
std::unique_ptr<http::Server> Serve(Stream stream, int threads = 8, int idle_timeout_ms = kForeverMs) {
  http::Router router;
  router.Add("GET", "/stream", "", [stream = std::move(stream)](const http::Request&) {
    http::Response response;
    response.content_type = "application/json";
    response.headers = {{"Vary", "Origin"}};
    response.stream = stream;
    return response;
  });
  router.Add("GET", "/plain", "", [](const http::Request&) {
    http::Response response;
    response.body = "plain\n";
    return response;
  });
  http::ServerOptions options;
  options.listen_address = "127.0.0.1:0";
  options.threads = threads;
  options.idle_timeout_ms = idle_timeout_ms;
  auto server = http::Server::Start(options, std::move(router));
  REQUIRE(server.ok());
  return std::move(server).value();
}

// Gives `text` in pieces of that size.
Stream InPieces(std::string text, std::size_t piece_bytes) {
  return [text = std::move(text), piece_bytes](const http::BodySink& sink) {
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      if (!sink(std::string_view(text).substr(at, piece_bytes))) return false;
    }
    return true;
  };
}

// Streams until the sink says no, then sets `stopped`.
Stream Endless(std::atomic<bool>& stopped) {
  return [&stopped](const http::BodySink& sink) {
    const std::string piece(1000, 'x');
    while (sink(piece)) continue;
    stopped = true;
    return false;
  };
}

void WaitFor(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

// What SendStream writes, without a server.
std::string Sent(const Stream& stream, http::StreamForm form, bool* complete = nullptr) {
  http::Response response;
  response.stream = stream;
  std::string out;
  const bool done = http::SendStream(
      {}, response, form,
      [&](std::string_view bytes) {
        out += bytes;
        return true;
      },
      [] { return false; });
  if (complete != nullptr) *complete = done;
  return out;
}

std::size_t PeakMemoryBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

}  // namespace

TEST_CASE("a streamed body is gathered and framed") {
  CHECK(Sent(InPieces("", 1), {.chunked = true}) == "0\r\n\r\n");
  CHECK(Sent(InPieces("", 1), {.chunked = false}).empty());
  CHECK(Sent(InPieces("hello, world", 5), {.chunked = true}) == "c\r\nhello, world\r\n0\r\n\r\n");
  CHECK(Sent(InPieces("hello, world", 5), {.chunked = false}) == "hello, world");
  const std::string full(65536, 'x');
  CHECK(Sent(InPieces(full, 65536), {}) == "10000\r\n" + full + "\r\n0\r\n\r\n");
  CHECK(Sent(InPieces(full + "y", 7), {}) == "10000\r\n" + full + "\r\n1\r\ny\r\n0\r\n\r\n");
  CHECK(Sent(InPieces(full + full + "y", 1'000'000), {.chunked = false}) == full + full + "y");
  const auto empty_pieces = [](const http::BodySink& sink) { return sink("") && sink("a") && sink(""); };
  CHECK(Sent(empty_pieces, {}) == "1\r\na\r\n0\r\n\r\n");
}

TEST_CASE("a stream that fails has no end, whatever it wrote") {
  for (const Stream& stream : std::vector<Stream>{
           [](const http::BodySink& sink) { return sink("part") && false; },
           [](const http::BodySink&) -> bool { throw std::runtime_error("disk"); },
           [](const http::BodySink&) -> bool { throw 1; },
       }) {
    for (const bool gzip : {false, true}) {
      bool complete = true;
      CHECK(Sent(stream, {.chunked = true, .gzip = gzip}, &complete).find("0\r\n\r\n") == std::string::npos);
      CHECK(!complete);
    }
  }
}

TEST_CASE("a stream whose client is gone is not complete, though it says so") {
  http::Response response;
  response.stream = [](const http::BodySink& sink) {
    sink(std::string(100'000, 'x'));
    CHECK(!sink("more"));
    return true;
  };
  int writes = 0;
  const auto never = [] { return false; };
  CHECK(!http::SendStream(
      {}, response, {}, [&](std::string_view) { return ++writes, false; }, never));
  CHECK(writes == 1);
  CHECK(!http::SendStream(
      {}, response, {}, [&](std::string_view) { return true; }, [] { return true; }));
}

TEST_CASE("StreamHead") {
  http::Request request;
  http::Response response;
  response.content_type = "application/json";
  response.headers = {{"Vary", "Origin"}};
  CHECK(http::StreamHead(request, true, false, response) ==
        "HTTP/1.1 200 OK\r\nVary: Origin\r\nVary: Accept-Encoding\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nX-Content-Type-Options: nosniff\r\n\r\n");
  request.headers = {{"Accept-Encoding", "gzip"}};
  response.headers.clear();
  CHECK(http::StreamHead(request, false, true, response) ==
        "HTTP/1.1 200 OK\r\nVary: Accept-Encoding\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
  response.content_type = "image/png";
  CHECK(!http::IsStreamPacked(request, response));
  response.content_type = "text/plain";
  CHECK(http::IsStreamPacked(request, response));
  response.headers = {{"content-encoding", "br"}};
  CHECK(!http::IsStreamPacked(request, response));
}

TEST_CASE("streamed answers on a kept connection, plain and compressed") {
  const std::string text = Lines(3 * kMiB);
  for (const std::size_t piece_bytes : {7UL, 1000UL, 65536UL, 100'000UL, 10 * kMiB}) {
    CAPTURE(piece_bytes);
    const auto server = Serve(InPieces(text, piece_bytes));
    Client client(server->port());
    for (const bool gzip : {false, true, false}) {
      CAPTURE(gzip);
      client.Send(std::string("GET /stream HTTP/1.1\r\nHost: x\r\n") +
                  (gzip ? "Accept-Encoding: gzip\r\n\r\n" : "\r\n"));
      const Reply reply = client.ReadChunked();
      REQUIRE(reply.status == 200);
      const int pieces = static_cast<int>((text.size() - 1) / 65536 + 1);
      CHECK((gzip ? reply.chunks <= pieces + 1 : reply.chunks == pieces + 1));
      CHECK(Client::Header(reply.head, "Transfer-Encoding") == "chunked");
      CHECK(Client::Header(reply.head, "Content-Length").empty());
      CHECK(Client::Header(reply.head, "Content-Encoding") == (gzip ? "gzip" : ""));
      CHECK(reply.head.find("Vary: Origin\r\nVary: Accept-Encoding\r\n") != std::string::npos);
      if (gzip) CHECK(reply.body.size() < text.size() / 3);
      const std::string body = gzip ? http::Gunzip(reply.body, text.size()).value() : reply.body;
      CHECK((body == text));
      CHECK(client.Ask("GET", "/plain").body == "plain\n");
    }
  }
}

TEST_CASE("HEAD of a streamed answer runs no stream") {
  std::atomic<bool> ran = false;
  const auto server = Serve([&](const http::BodySink&) { return ran = true; });
  Client client(server->port());
  const Reply head = client.Ask("HEAD", "/stream", "Accept-Encoding: gzip\r\n\r\n");
  CHECK(head.status == 200);
  CHECK(!ran);
  CHECK(client.Ask("GET", "/plain").body == "plain\n");  // nothing stands between the two answers
  client.Send("GET /stream HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
  const Reply get = client.ReadChunked();
  CHECK(get.head == head.head);
  CHECK(http::Gunzip(get.body, 0).value().empty());
  CHECK(ran);
}

TEST_CASE("HTTP/1.0 gets the body as it is, to the end of the connection") {
  const std::string text = Lines(200'000);
  const auto server = Serve(InPieces(text, 1000));
  Client client(server->port());
  client.Send("GET /stream HTTP/1.0\r\n\r\n");
  const Reply reply = client.Read();
  CHECK(Client::Header(reply.head, "Transfer-Encoding").empty());
  CHECK(Client::Header(reply.head, "Connection") == "close");
  CHECK((client.Rest() == text));
  CHECK(!client.WasReset());
}

TEST_CASE("a stream that fails or throws cuts the connection") {
  const std::string part = Lines(100'000);
  for (const bool throws : {false, true}) {
    const auto server = Serve([&](const http::BodySink& sink) {
      CHECK(sink(part));
      if (throws) throw std::runtime_error("metrics.db: disk I/O error");
      return false;
    });
    Client client(server->port());
    client.Send("GET /stream HTTP/1.1\r\n\r\n");
    const Reply reply = client.ReadChunked();
    CHECK(reply.status == 0);
    CHECK(reply.chunks == 1);  // the second was not full
    CHECK(client.Ended());
    Client old(server->port());
    old.Send("GET /stream HTTP/1.0\r\n\r\n");
    CHECK(old.Ended());
    CHECK(old.WasReset());  // a plain end would look as if all had come
    CHECK(Client(server->port()).Ask("GET", "/plain").status == 200);
  }
}

TEST_CASE("a client that goes stops the stream") {
  std::atomic<bool> stopped = false;
  const auto server = Serve(Endless(stopped));
  {
    Client client(server->port());
    client.Send("GET /stream HTTP/1.1\r\n\r\n");
    CHECK(client.Read().status == 200);
  }
  WaitFor(stopped);
}

TEST_CASE("a client that takes nothing for the idle timeout stops the stream") {
  std::atomic<bool> stopped = false;
  const auto server = Serve(Endless(stopped), 8, 50);
  Client client(server->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  WaitFor(stopped);
  CHECK(client.Ended());
}

TEST_CASE("clients that do not take their streams keep no one from being served") {
  std::atomic<bool> stopped = false;
  const auto server = Serve(Endless(stopped), 3);
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 6; ++i) {
    idle.push_back(std::make_unique<Client>(server->port()));
    idle.back()->Send("GET /stream HTTP/1.1\r\n\r\n");
  }
  for (int i = 0; i < 5; ++i) CHECK(Client(server->port()).Ask("GET", "/plain").body == "plain\n");
}

TEST_CASE("a stream that computes between its pieces is not hung up, though all threads are taken") {
  std::atomic<bool> computing = false;
  std::atomic<bool> go_on = false;
  const std::string part = Lines(100'000);
  const auto server = Serve(
      [&](const http::BodySink& sink) {
        if (!sink(part)) return false;
        computing = true;
        WaitFor(go_on);
        return sink(part);
      },
      2);
  Client client(server->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  WaitFor(computing);
  // Each takes the other thread, and the one before is hung up for it.
  std::vector<std::unique_ptr<Client>> idle;
  for (int i = 0; i < 10; ++i) idle.push_back(std::make_unique<Client>(server->port()));
  for (int i = 0; i < 9; ++i) CHECK(idle[static_cast<std::size_t>(i)]->Ended());
  go_on = true;
  const Reply reply = client.ReadChunked();
  CHECK(reply.status == 200);
  CHECK((reply.body == part + part));
}

TEST_CASE("the server's end ends its streams") {
  std::atomic<bool> stopped = false;
  std::atomic<std::size_t> pieces = 0;
  auto server = Serve([&](const http::BodySink& sink) {
    const std::string piece(100'000, 'x');
    while (sink(piece)) ++pieces;
    stopped = true;
    return false;
  });
  Client client(server->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  SUBCASE("of a client that reads") {
    CHECK(client.Read().status == 200);
    std::thread end([&] { server.reset(); });
    CHECK(client.Ended());
    end.join();
  }
  SUBCASE("of a client that does not, while it waits to write") {
    // As soon as the sockets' buffers are full nothing moves.
    for (std::size_t before = 0; before == 0 || before != pieces;) {
      before = pieces;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    server.reset();
  }
  CHECK(stopped);
}

TEST_CASE("50 MiB are streamed in constant memory") {
  const std::string piece = Lines(3000);
  const auto server = Serve([&](const http::BodySink& sink) {
    for (std::size_t sent = 0; sent < 50 * kMiB; sent += piece.size()) {
      if (!sink(piece)) return false;
    }
    return true;
  });
  Client(server->port()).Ask("GET", "/plain");
  for (const std::string accept : {"", "Accept-Encoding: gzip\r\n"}) {
    CAPTURE(accept);
    const std::size_t before = PeakMemoryBytes();
    Client client(server->port());
    client.Send("GET /stream HTTP/1.1\r\nConnection: close\r\n" + accept + "\r\n");
    CHECK(client.Ended());
    CHECK(client.Dropped() > (accept.empty() ? 50 * kMiB : kMiB));
    CHECK(PeakMemoryBytes() < before + 12 * kMiB);
  }
}
