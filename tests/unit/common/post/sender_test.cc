// SPDX-License-Identifier: Apache-2.0
#include "common/post/sender.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "common/libcurl/libcurl.h"
#include "tests/support/bounded_wait.h"
#include "tests/support/files.h"
#include "tests/support/stub_server.h"

using namespace cloudmon;        // NOLINT: a test
using namespace cloudmon::post;  // NOLINT: a test
using std::chrono::milliseconds;

namespace {

SendResult Send(Sender& sender, std::string_view document) {
  sender.Start(document);
  const auto give_up = std::chrono::steady_clock::now() + test::kLongWait;
  while (std::chrono::steady_clock::now() < give_up) {
    if (auto result = sender.Wait(milliseconds(10'000))) return *result;
  }
  FAIL("waited in vain for a result");
  return {};
}

SenderOptions OptionsFor(const std::string& url) {
  SenderOptions options;
  options.url = url;
  options.headers = {"Content-Type: application/json", "Content-Encoding: gzip"};
  options.retried = {401, 429};
  options.names = {"push.url", "push.token-file", "", "the aggregator"};
  return options;
}

SendResult SendTo(const std::string& url, milliseconds timeout = milliseconds(5000)) {
  SenderOptions options = OptionsFor(url);
  options.timeout = timeout;
  const auto sender = MakeCurlSender(options);
  return Send(*sender, "document");
}

// Keeps what it was sent.
struct Recorded {
  std::string head, body;
  test::StubServer::Handler Handler(std::string answer) {
    return [this, answer = std::move(answer)](test::StubConnection& connection) {
      while (true) {
        const std::string next = connection.ReadRequest();
        if (next.empty()) return;
        head = next;
        body = connection.ReadBody(next);
        connection.Send(answer);
      }
    };
  }
};

}  // namespace

TEST_CASE("what each status means") {
  for (const long status : {200, 201, 202, 204, 299}) CHECK(OutcomeOf(status, {}) == Outcome::kSent);
  for (const long status : {400, 401, 404, 408, 413, 422, 429, 451, 499}) {
    CHECK(OutcomeOf(status, {}) == Outcome::kRefused);
    CHECK(OutcomeOf(status, {status}) == Outcome::kRetry);
  }
  for (const long status : {301, 302, 304, 307, 308, 500, 502, 503, 504, 599, 600}) {
    CHECK(OutcomeOf(status, {}) == Outcome::kRetry);
  }
}

TEST_CASE("a body is sent with the headers and the token of the moment") {
  Recorded recorded;
  const test::StubServer server(recorded.Handler(test::HttpAnswer(R"({"status":"ok"})")));
  const test::TempDir dir;
  const std::string token_file = dir.Write("token", "  first\r\nnot this\n");
  SenderOptions options = OptionsFor(server.Url("/api/ingest"));
  options.token_file = token_file;
  const auto sender = MakeCurlSender(options);
  CHECK(Send(*sender, std::string("\x1f\x8b\0x", 4)).outcome == Outcome::kSent);
  CHECK(recorded.head.starts_with("POST /api/ingest HTTP/1.1\r\n"));
  CHECK(recorded.head.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(recorded.head.find("\r\nContent-Encoding: gzip\r\n") != std::string::npos);
  CHECK(recorded.head.find("\r\nAuthorization: Bearer first\r\n") != std::string::npos);
  CHECK(recorded.body == std::string("\x1f\x8b\0x", 4));
  dir.Write("token", "second");
  CHECK(Send(*sender, std::string(3'000'000, 'x')).outcome == Outcome::kSent);
  CHECK(recorded.head.find("\r\nAuthorization: Bearer second\r\n") != std::string::npos);
  CHECK(recorded.head.find("Expect") == std::string::npos);
  CHECK(recorded.body.size() == 3'000'000);
  CHECK(server.connections() == 1);
}

TEST_CASE("a token that cannot be used is tried again later and never shown") {
  std::atomic<int> requests = 0;
  const test::StubServer server([&](test::StubConnection& connection) {
    if (!connection.ReadRequest().empty()) ++requests;
  });
  const test::TempDir dir;
  const auto check = [&](const std::string& file, const std::string& message) {
    SenderOptions options = OptionsFor(server.Url());
    options.token_file = file;
    const auto sender = MakeCurlSender(options);
    const SendResult result = Send(*sender, "document");
    CHECK(result.outcome == Outcome::kRetry);
    CHECK(result.message == message);
  };
  const std::string missing = dir.path() + "/missing";
  check(missing, "push.token-file: " + missing + ": No such file or directory");
  for (const char* content : {"", " \n", "\nsecret", "secret secret", "sec\x01ret", "secr\xC3\xA9t"}) {
    const std::string file = dir.Write("token", content);
    check(file, "push.token-file: " + file + ": expected a token in the first line");
  }
  CHECK(requests == 0);
}

TEST_CASE("where memory lacks at the beginning, the body is tried again later") {
  Recorded recorded;
  const test::StubServer server(recorded.Handler(test::HttpAnswer("")));
  Libcurl functions = *LoadLibcurl().value();
  const auto sender = MakeSenderOn(functions, OptionsFor(server.Url()));
  const auto check_fails = [&] {
    const SendResult result = Send(*sender, "document");
    CHECK(result.outcome == Outcome::kRetry);
    CHECK(result.message == "out of memory");
  };
  functions.multi_add_handle = [](CURLM*, CURL*) { return CURLM_OUT_OF_MEMORY; };
  check_fails();
  functions = *LoadLibcurl().value();
  CHECK(Send(*sender, "document").outcome == Outcome::kSent);
  functions.slist_append = [](curl_slist*, const char*) -> curl_slist* { return nullptr; };
  check_fails();
  functions = *LoadLibcurl().value();
  CHECK(Send(*sender, "document").outcome == Outcome::kSent);
}

TEST_CASE("a user name and the password of the moment") {
  Recorded recorded;
  const test::StubServer server(recorded.Handler(test::HttpAnswer("")));
  const test::TempDir dir;
  SenderOptions options = OptionsFor(server.Url());
  options.username = "me";
  options.password_file = dir.Write("password", "a secret: 1 \r\nnot this\n");
  options.names.credentials = "a.password-file";
  const auto sender = MakeCurlSender(options);
  CHECK(Send(*sender, "x").outcome == Outcome::kSent);
  CHECK(recorded.head.find("\r\nAuthorization: Basic bWU6YSBzZWNyZXQ6IDEg\r\n") != std::string::npos);
  dir.Write("password", "second");
  CHECK(Send(*sender, "x").outcome == Outcome::kSent);
  CHECK(recorded.head.find("\r\nAuthorization: Basic bWU6c2Vjb25k\r\n") != std::string::npos);
  for (const std::string_view content :
       {std::string_view(""), std::string_view("\nsecret"), std::string_view("a\0b", 3)}) {
    dir.Write("password", content);
    const SendResult result = Send(*sender, "x");
    CHECK(result.outcome == Outcome::kRetry);
    CHECK(result.message == "a.password-file: " + options.password_file + ": expected a password in the first line");
  }
}

TEST_CASE("a body without credentials has no Authorization") {
  Recorded recorded;
  const test::StubServer server(recorded.Handler(test::HttpAnswer("")));
  CHECK(SendTo(server.Url()).outcome == Outcome::kSent);
  CHECK(recorded.head.find("Authorization") == std::string::npos);
}

TEST_CASE("answers that are not 2xx") {
  const auto answer = [](const char* status, const char* headers, const char* body) {
    Recorded recorded;
    const test::StubServer server(recorded.Handler(test::HttpAnswer(body, headers, status)));
    return SendTo(server.Url());
  };
  const SendResult busy = answer("503 Service Unavailable", "Retry-After: 7\r\n", "");
  CHECK(busy.outcome == Outcome::kRetry);
  CHECK(busy.status == 503);
  CHECK(busy.retry_after_ms == 7000);
  CHECK(answer("429 Too Many Requests", "Retry-After: 99999999999\r\n", "").retry_after_ms == 86'400'000);
  CHECK(!answer("429 Too Many Requests", "Retry-After: soon\r\n", "").retry_after_ms);
  const SendResult refused = answer("409 Conflict", "", R"({"error":{"code":"c","message":"scraped already"}})");
  CHECK(refused.outcome == Outcome::kRefused);
  CHECK(refused.message == "HTTP 409; the server says: scraped already");
  const SendResult moved = answer("302 Found", "Location: http://127.0.0.1:1/\r\n", "");
  CHECK(moved.outcome == Outcome::kRetry);
  CHECK(moved.message == "HTTP 302: redirects are not followed: give push.url the final address");
}

TEST_CASE("servers that do not answer properly") {
  int dead_port = 0;
  {
    const test::StubServer gone([](test::StubConnection&) {});
    dead_port = gone.port();
  }
  const SendResult dead = SendTo("http://127.0.0.1:" + std::to_string(dead_port));
  CHECK(dead.outcome == Outcome::kRetry);
  CHECK(dead.status == 0);
  CHECK(dead.message == "cannot connect: Connection refused; is the aggregator running there?");

  const test::StubServer silent([](test::StubConnection& connection) { connection.WaitClosed(); });
  const SendResult slow = SendTo(silent.Url(), milliseconds(200));
  CHECK(slow.outcome == Outcome::kRetry);
  CHECK(slow.message == "no answer in time: is the aggregator overloaded, or a firewall between?");

  const test::StubServer closing([](test::StubConnection& connection) { (void)connection.ReadRequest(); });
  CHECK(SendTo(closing.Url()).message == "the server closed the connection before it answered");

  const test::StubServer other(test::AlwaysAnswer("220 mail.example ESMTP\r\n"));
  CHECK(SendTo(other.Url()).outcome == Outcome::kRetry);

  Recorded recorded;
  const test::StubServer plain(recorded.Handler(test::HttpAnswer("")));
  const SendResult tls = SendTo("https://" + plain.HostPort());
  CHECK(tls.outcome == Outcome::kRetry);
  CHECK(!tls.message.empty());
}

TEST_CASE("an endless answer is cut off and counts by its status") {
  std::atomic<std::size_t> sent = 0;
  const auto endless = [&](const std::string& begin, const std::string& more) {
    return [&sent, begin, more](test::StubConnection& connection) {
      constexpr std::size_t kMost = 64U << 20U;
      (void)connection.ReadRequest();
      connection.Send(begin);
      for (sent = 0; sent < kMost && connection.Send(more);) sent += more.size();
    };
  };
  const std::string body = "\r\nContent-Length: 100000000\r\n\r\n";
  const std::string many_x(4096, 'x');
  constexpr std::size_t kBuffers = 32U << 20U;  // the most that may be under way
  {
    const test::StubServer good(endless("HTTP/1.1 200 OK" + body, many_x));
    CHECK(SendTo(good.Url()).outcome == Outcome::kSent);
  }
  CHECK(sent < kBuffers);
  {
    const test::StubServer bad(endless("HTTP/1.1 400 Bad Request" + body, many_x));
    const SendResult refused = SendTo(bad.Url());
    CHECK(refused.outcome == Outcome::kRefused);
    CHECK(refused.message.size() < 400);
  }
  CHECK(sent < kBuffers);
  {
    const test::StubServer header(endless("HTTP/1.1 200 OK\r\n", "X-A: " + many_x + "\r\n"));
    CHECK(SendTo(header.Url()).outcome == Outcome::kSent);
  }
  CHECK(sent < kBuffers);
  std::string long_head;  // cut off before the status that counts
  while (long_head.size() < 40'000) long_head += "HTTP/1.1 100 Continue\r\n\r\n";
  const test::StubServer late(test::AlwaysAnswer(long_head + test::HttpAnswer("")));
  CHECK(SendTo(late.Url()).outcome == Outcome::kRetry);
}

TEST_CASE("Wake ends a wait, and a sender can go while it sends") {
  std::atomic<bool> asked = false;
  const test::StubServer silent([&](test::StubConnection& connection) {
    (void)connection.ReadRequest();
    asked = true;
    connection.WaitClosed();
  });
  SenderOptions options = OptionsFor(silent.Url());
  options.timeout = milliseconds(20'000);  // ends the wait with a result if Wake does not
  const auto sender = MakeCurlSender(options);
  CHECK(!sender->Wait(milliseconds(0)));
  sender->Start("document");
  for (int i = 0; i < 1000 && !asked; ++i) CHECK(!sender->Wait(milliseconds(10)));
  REQUIRE(asked);
  for (int i = 0; i < 50; ++i) {  // libcurl's own timers end some waits too, but not as many
    std::thread waker([&] { sender->Wake(); });
    const auto result = sender->Wait(test::kLongWait);
    waker.join();
    REQUIRE(!result);
  }
}
