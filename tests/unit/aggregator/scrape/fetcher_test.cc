// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/fetcher.h"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <netdb.h>
#include <sys/resource.h>
#include <zlib.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "aggregator/scrape/fetch_error.h"
#include "common/version.h"
#include "tests/support/stub_server.h"

namespace cloudmon::scrape {
namespace {

constexpr std::string_view kSilentName = "silent-name-server.test";

// A name server that does not answer for kSilentName until it is told to; it gives up after 20 s, so that a test that
// waits for it fails instead of hanging.
class SilentNameServer {
 public:
  void LookUp() {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return answers_; });
    ++done_;
    changed_.notify_all();
  }
  int lookups_done() {
    const std::lock_guard lock(mu_);
    return done_;
  }
  void AnswerAndWait(int lookups) {
    std::unique_lock lock(mu_);
    answers_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return done_ == lookups; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool answers_ = false;
  int done_ = 0;
};
SilentNameServer name_server;

}  // namespace
}  // namespace cloudmon::scrape

// libcurl's resolver threads come here.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** found) {
  if (node != nullptr && node == cloudmon::scrape::kSilentName) {
    cloudmon::scrape::name_server.LookUp();
    return EAI_AGAIN;
  }
  static const auto next = reinterpret_cast<decltype(&getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(node, service, hints, found);
}

namespace cloudmon::scrape {
namespace {

using std::chrono::milliseconds;
using test::HttpAnswer;
using test::StubConnection;
using test::StubServer;

std::string Gzip(std::string_view text) {
  z_stream z{};
  REQUIRE(::deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

class Client {
 public:
  explicit Client(FetchLimits limits = {.timeout = milliseconds(20'000)}) : fetcher_(MakeCurlFetcher(limits, clock_)) {}

  std::map<std::uint64_t, Fetched> Get(const std::vector<std::string>& urls) {
    for (std::size_t i = 0; i < urls.size(); ++i) fetcher_->Start(i, urls[i]);
    std::map<std::uint64_t, Fetched> out;
    while (out.size() < urls.size()) {
      fetcher_->Wait(milliseconds(1000), [&](Fetched f) { out.emplace(f.id, std::move(f)); });
    }
    return out;
  }
  Fetched Get(const std::string& url) { return std::move(Get(std::vector{url}).at(0)); }
  Fetcher& fetcher() { return *fetcher_; }
  const SystemClock& clock() const { return clock_; }

 private:
  SystemClock clock_;
  std::unique_ptr<Fetcher> fetcher_;
};

std::string Problem(const Fetched& fetched) {
  return fetched.page.ok() ? "" : fetched.page.error().message;
}

}  // namespace

TEST_CASE("fetcher: a page, what was asked for, one connection for all") {
  std::promise<std::string> request;
  StubServer server([&](StubConnection& c) {
    request.set_value(c.ReadRequest());
    c.Send(HttpAnswer("a 1\n", "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    while (!c.ReadRequest().empty()) c.Send(HttpAnswer("b 2\n", "Content-Type: text/plain\r\n"));
  });
  Client client({.timeout = milliseconds(2500)});
  const std::int64_t before = client.clock().NowMs();
  const Fetched first = client.Get(server.Url("/metrics?x=1"));
  REQUIRE_MESSAGE(first.page.ok(), Problem(first));
  CHECK(first.page.value().body == "a 1\n");
  CHECK(first.page.value().format == exposition::Format::kOpenMetrics);
  CHECK(first.sent_ms >= before);
  CHECK(first.sent_ms <= client.clock().NowMs());
  CHECK(first.duration_seconds > 0);

  const std::string head = request.get_future().get();
  CHECK(head.starts_with("GET /metrics?x=1 HTTP/1.1\r\n"));
  auto has = [&](std::string_view line) { CHECK_MESSAGE(head.find(line) != std::string::npos, head); };
  has("\r\nHost: " + server.HostPort() + "\r\n");
  has("\r\nAccept-Encoding: gzip\r\n");
  has("\r\nX-Prometheus-Scrape-Timeout-Seconds: 2.5\r\n");
  has("\r\nUser-Agent: cloud-monitor/" + std::string(kVersion) + "\r\n");
  has("\r\nAccept: application/openmetrics-text;version=1.0.0,");

  const Fetched second = client.Get(server.Url());
  REQUIRE(second.page.ok());
  CHECK(second.page.value().body == "b 2\n");
  CHECK(second.page.value().format == exposition::Format::kText);
  CHECK(server.connections() == 1);
}

TEST_CASE("fetcher: gzip, and the cap holds after decompression") {
  const std::string page(100'000, 'x');
  StubServer good(test::AlwaysAnswer(HttpAnswer(Gzip(page), "Content-Encoding: gzip\r\n")));
  StubServer bomb(test::AlwaysAnswer(HttpAnswer(Gzip(std::string(64U << 20U, '\0')), "Content-Encoding: gzip\r\n")));
  StubServer broken(test::AlwaysAnswer(HttpAnswer("\x1f\x8b\x08 not gzip at all", "Content-Encoding: gzip\r\n")));
  Client client({.timeout = milliseconds(20'000), .max_body_bytes = page.size()});
  const Fetched fetched = client.Get(good.Url());
  REQUIRE_MESSAGE(fetched.page.ok(), Problem(fetched));
  CHECK(fetched.page.value().body == page);
  const Fetched too_large = client.Get(bomb.Url());
  CHECK(Problem(too_large) == "the page is longer than 100000 bytes (--scrape.max-body-bytes)");
  CHECK(too_large.page.error().code == ErrorCode::kLimit);
  CHECK(Problem(client.Get(broken.Url())) == "the answer's gzip is damaged");
}

TEST_CASE("fetcher: bodies and headers without an end stop at the cap") {
  StubServer endless([](StubConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\n\r\n");
    const std::string chunk(65536, 'x');
    while (c.Send(chunk)) {
    }
  });
  StubServer headers([](StubConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\n");
    while (c.Send("X-A: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  Client client({.timeout = milliseconds(20'000), .max_body_bytes = 1U << 20U});
  CHECK(Problem(client.Get(endless.Url())) == "the page is longer than 1048576 bytes (--scrape.max-body-bytes)");
  CHECK(Problem(client.Get(headers.Url())) == "the answer's header is longer than 64 KiB");
}

TEST_CASE("fetcher: status") {
  auto answer = [](std::string_view status, std::string_view headers, std::string_view expected) {
    CAPTURE(status);
    StubServer server(test::AlwaysAnswer(HttpAnswer("body", headers, status)));
    CHECK(Problem(Client().Get(server.Url())) == expected);
  };
  answer("404 Not Found", "", "the target answered HTTP 404: check the path");
  answer("401 Unauthorized", "",
         "the target answered HTTP 401: it asks for credentials (--scrape.bearer-token-file, sent over https only)");
  answer("403 Forbidden", "",
         "the target answered HTTP 403: it does not allow this: check what the token in --scrape.bearer-token-file may "
         "do");
  answer("503 Service Unavailable", "", "the target answered HTTP 503");
  answer("302 Found", "Location: http://127.0.0.1:1/x\r\n",
         "the target answered HTTP 302 to http://127.0.0.1:1/x: redirects are not followed, give the final address");
  answer("206 Partial Content", "", "the target answered HTTP 206");
  StubServer endless([](StubConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 500 Oops\r\n\r\n");
    const std::string chunk(65536, 'x');
    while (c.Send(chunk)) {
    }
  });
  CHECK(Problem(Client().Get(endless.Url())) == "the target answered HTTP 500");
  StubServer empty(test::AlwaysAnswer("HTTP/1.1 204 No Content\r\n\r\n"));
  CHECK(Problem(Client().Get(empty.Url())) == "the target answered HTTP 204");
}

TEST_CASE("fetcher: targets that break off") {
  auto broken = [](const StubServer::Handler& handler, std::string_view expected) {
    StubServer server(handler);
    const Fetched fetched = Client().Get(server.Url());
    CHECK(Problem(fetched) == expected);
  };
  constexpr std::string_view kClosed = "the target closed the connection before the answer was complete";
  broken([](StubConnection&) {}, kClosed);
  broken([](StubConnection& c) { c.ReadRequest(); }, kClosed);
  broken(
      [](StubConnection& c) {
        c.ReadRequest();
        c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      },
      kClosed);
  broken(
      [](StubConnection& c) {
        c.ReadRequest();
        c.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal");
      },
      kClosed);
  broken(
      [](StubConnection& c) {
        c.ReadRequest();
        c.Send("SSH-2.0-OpenSSH\r\n");
      },
      "the answer is not HTTP: check the port");
}

TEST_CASE("fetcher: no answer, a slow drip, no server, not a protocol of ours") {
  StubServer silent([](StubConnection& c) { c.WaitClosed(); });
  StubServer drip([](StubConnection& c) {
    c.ReadRequest();
    c.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    c.Send("x");
    c.WaitClosed();
  });
  std::string closed_url;
  {
    StubServer closed([](StubConnection&) {});
    closed_url = closed.Url();
  }
  Client client({.timeout = milliseconds(300)});
  auto all = client.Get({silent.Url(), drip.Url(), closed_url});
  CHECK(Problem(all.at(0)) == "no complete answer within 0.3 s (--scrape.timeout)");
  CHECK(all.at(0).page.error().code == ErrorCode::kTimeout);
  CHECK(Problem(all.at(1)) == "no complete answer within 0.3 s (--scrape.timeout)");
  CHECK(Problem(all.at(2)) == "cannot connect: Connection refused; is the exporter running there?");
  CHECK(Problem(Client().Get("ftp://127.0.0.1:1/")) != "");
}

TEST_CASE("TransferError") {
  auto says = [](CURLcode code, int os_errno, std::string_view detail, std::string_view expected) {
    CHECK(TransferError(code, os_errno, detail, {}).message == expected);
  };
  says(CURLE_COULDNT_RESOLVE_HOST, 0, "Could not resolve host: x", "the host's name is not known: check it, or DNS");
  says(CURLE_COULDNT_CONNECT, 0, "Failed to connect",
       "cannot connect: Failed to connect; is the exporter running there?");
  says(CURLE_SSL_CONNECT_ERROR, 0, "wrong version \xff", "wrong version \xef\xbf\xbd");
  says(CURLE_SSL_CONNECT_ERROR, 0, "", "SSL connect error");
  says(CURLE_PEER_FAILED_VERIFICATION, 0, "SSL certificate problem: expired",
       "the target's certificate is not trusted: SSL certificate problem: expired; --scrape.ca-file says who may sign "
       "it, --scrape.server-name for which name");
  says(CURLE_SSL_CACERT_BADFILE, 0, "no file", "--scrape.ca-file: no file");
}

TEST_CASE("fetcher: waits for a free connection, at most the timeout") {
  StubServer silent([](StubConnection& c) { c.WaitClosed(); });
  StubServer good(test::AlwaysAnswer(HttpAnswer("a 1\n")));
  Client one({.timeout = milliseconds(300), .max_connections = 1});
  const auto late = one.Get({silent.Url(), good.Url()});
  CHECK(late.at(0).page.error().code == ErrorCode::kTimeout);
  // Either its turn comes in the last millisecond or it does not.
  if (!late.at(1).page.ok()) CHECK(late.at(1).page.error().code == ErrorCode::kTimeout);

  Client two({.timeout = milliseconds(20'000), .max_connections = 2});
  const auto all = two.Get(std::vector<std::string>(20, good.Url()));
  for (const auto& [id, fetched] : all) CHECK_MESSAGE(fetched.page.ok(), Problem(fetched));
  CHECK(good.connections() <= 3);
}

TEST_CASE("fetcher: proxies of the environment are not used") {
  StubServer good(test::AlwaysAnswer(HttpAnswer("a 1\n")));
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const Fetched fetched = Client().Get(good.Url());
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  CHECK_MESSAGE(fetched.page.ok(), Problem(fetched));
}

TEST_CASE("fetcher: Wake ends a Wait; what is in flight is abandoned; no descriptor is lost") {
  auto open_fds = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  StubServer silent([](StubConnection& c) { c.WaitClosed(); });
  const auto before = open_fds();
  {
    Client client({.timeout = milliseconds(600'000)});
    client.fetcher().Start(1, silent.Url());
    std::thread waker([&] { client.fetcher().Wake(); });
    bool woken = false;
    while (!woken) {
      const std::int64_t start = client.clock().SteadyMs();
      client.fetcher().Wait(milliseconds(500'000), [](const Fetched&) { FAIL("nothing was answered"); });
      woken = client.clock().SteadyMs() - start < 500'000 && silent.connections() == 1;
      if (!woken) client.fetcher().Wake();
    }
    waker.join();
  }
  CHECK(open_fds() <= before + 1);  // the silent server's side of the connection
}

TEST_CASE("fetcher: a token that cannot be read fails its request; http targets get no token") {
  std::promise<std::string> request;
  StubServer server([&](StubConnection& c) {
    request.set_value(c.ReadRequest());
    c.Send(HttpAnswer("a 1\n"));
  });
  Client client;
  client.fetcher().SetAccess({.bearer_token_file = "/none/token", .ca_file = ""});
  const auto all = client.Get({"https://127.0.0.1:1/metrics", server.Url()});
  CHECK(Problem(all.at(0)) == "scrape.bearer-token-file: /none/token: No such file or directory");
  CHECK(all.at(0).sent_ms > 0);
  CHECK_MESSAGE(all.at(1).page.ok(), Problem(all.at(1)));
  CHECK(request.get_future().get().find("Authorization") == std::string::npos);
}

TEST_CASE("fetcher: a name server that does not answer costs its target the timeout and nobody more") {
  const std::string url = "http://" + std::string(kSilentName) + "/metrics";
  {
    Client client({.timeout = milliseconds(50)});
    CHECK(Problem(client.Get(url)) == "no complete answer within 0.05 s (--scrape.timeout)");
  }
  {
    Client client;
    client.fetcher().Start(1, url);
    client.fetcher().Wait(milliseconds(0), [](const Fetched&) {});  // ends in the middle of the lookup
  }
  CHECK(name_server.lookups_done() == 0);
  name_server.AnswerAndWait(2);
}

}  // namespace cloudmon::scrape
