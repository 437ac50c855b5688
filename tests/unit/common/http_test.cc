// SPDX-License-Identifier: Apache-2.0
#include "common/http/http.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <string>

#include "common/http/address.h"
#include "common/http/exchange.h"
#include "common/http/gzip.h"

namespace http = cloudmon::http;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

std::string Gunzip(std::string packed) {
  z_stream stream{};
  REQUIRE(::inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string out(32U << 20U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(::inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  ::inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("PercentDecode") {
  auto good = [](std::string_view in, std::string_view want) {
    CAPTURE(in);
    REQUIRE(http::PercentDecode(in).ok());
    CHECK(http::PercentDecode(in).value() == want);
  };
  good("", "");
  good("/api/pods", "/api/pods");
  good("a%20b+c", "a b+c");
  good("%2f%2F", "//");
  good("%25%32%35", "%25");  // once, not twice
  good("%FF", "\xFF");
  for (std::string_view in : {"%", "a%2", "%zz", "%2g", "%%20", "100%"}) {
    CAPTURE(in);
    REQUIRE(!http::PercentDecode(in).ok());
    CHECK(http::PercentDecode(in).error().code == cloudmon::ErrorCode::kParse);
  }
  CHECK(http::PercentDecode("a%zzb").error().message.find("'%zz'") != std::string::npos);
}

TEST_CASE("ParseQueryString") {
  auto good = [](std::string_view in, const Pairs& want) {
    CAPTURE(in);
    REQUIRE(http::ParseQueryString(in).ok());
    CHECK(http::ParseQueryString(in).value() == want);
  };
  good("", {});
  good("a=1&b=x%20y+z", {{"a", "1"}, {"b", "x y z"}});
  good("a&b=&=c&&d==e", {{"a", ""}, {"b", ""}, {"", "c"}, {"d", "=e"}});
  good("a=1&a=2", {{"a", "1"}, {"a", "2"}});
  good("p=%26%3D%2B", {{"p", "&=+"}});
  good("p=%ff", {{"p", "\xEF\xBF\xBD"}});
  for (std::string_view in : {"a=%", "a=%1", "%x=1", "a=1&b=%zz"}) {
    CAPTURE(in);
    CHECK(!http::ParseQueryString(in).ok());
  }
  CHECK(http::ParseQueryString("window=%zz").error().message.starts_with("window: "));
}

TEST_CASE("Header ignores case and takes the first") {
  http::Request request;
  request.headers = {{"accept", "a"}, {"Accept", "b"}};
  CHECK(request.Header("ACCEPT") == "a");
  CHECK(request.Header("Accep").empty());
}

TEST_CASE("JsonError takes any bytes") {
  CHECK(http::JsonError(404, "not_found", "no \"x\"\n").body ==
        "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"x\\\"\\n\"}}\n");
  const http::Response response = http::JsonError(400, "bad\xC3", "\xFF\xFE\x80");
  CHECK(response.status == 400);
  CHECK(response.content_type == "application/json");
  CHECK(response.body.find("\xEF\xBF\xBD") != std::string::npos);
}

TEST_CASE("AcceptsGzip") {
  for (std::string_view in :
       {"gzip", "GZIP", "deflate, gzip;q=0.5", "*", "br;q=1.0, *;q=0.1", "gzip ; q=1", "x-gzip"}) {
    CAPTURE(in);
    CHECK(http::AcceptsGzip(in));
  }
  for (std::string_view in : {"", "identity", "gzip;q=0", "gzip;q=0.0", "*;q=0", "gzip;q=0, *", "gzip;q=x", "gzip;q=7",
                              "gzip;q=nan", "gzipped", ",;,", "deflate"}) {
    CAPTURE(in);
    CHECK(!http::AcceptsGzip(in));
  }
}

TEST_CASE("Gzip reads back") {
  std::string lines;
  for (int i = 0; i < 200'000; ++i)
    lines += "container_cpu_usage_seconds_total{pod=\"p" + std::to_string(i * 7919) + "\"} 1\n";
  std::string noise(300'000, '\0');
  std::uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
  for (const std::string& in : {std::string(), std::string("x"), lines, noise}) {
    CAPTURE(in.size());
    CHECK(Gunzip(http::Gzip(in)) == in);
  }
  CHECK(http::Gzip(lines).size() < lines.size() / 5);
}

TEST_CASE("ParseFraming") {
  CHECK(!http::ParseFraming({}).value().chunked);
  CHECK(http::ParseFraming({{"content-length", "12"}}).value().content_length == 12);
  CHECK(http::ParseFraming({{"Transfer-Encoding", "Chunked"}}).value().chunked);
  for (const Pairs& in : std::vector<Pairs>{{{"Content-Length", "-1"}},
                                            {{"Content-Length", ""}},
                                            {{"Content-Length", "12abc"}},
                                            {{"Content-Length", "+1"}},
                                            {{"Content-Length", "1, 1"}},
                                            {{"Content-Length", "18446744073709551616"}},
                                            {{"Content-Length", "1"}, {"content-length", "2"}},
                                            {{"Content-Length", "1"}, {"Transfer-Encoding", "chunked"}},
                                            {{"Transfer-Encoding", "identity"}},
                                            {{"Transfer-Encoding", "gzip, chunked"}},
                                            {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}}) {
    CAPTURE(in[0].second);
    CHECK(!http::ParseFraming(in).ok());
  }
}

TEST_CASE("Finish writes the head and compresses where it pays") {
  http::Request request;
  http::Response response;
  response.body = "hello";
  CHECK(http::Finish(request, 1024, false, response) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n");
  CHECK(response.body == "hello");

  response.body.assign(5000, 'x');
  std::string head = http::Finish(request, 1024, true, response);
  CHECK(head.find("Vary: Accept-Encoding\r\n") != std::string::npos);
  CHECK(head.find("Content-Encoding") == std::string::npos);
  CHECK(head.find("Connection: close\r\n") != std::string::npos);

  request.headers = {{"Accept-Encoding", "gzip"}};
  http::Response image = response;
  image.content_type = "image/png";
  CHECK(http::Finish(request, 1024, false, image).find("Vary") == std::string::npos);
  http::Response ready = response;
  ready.headers = {{"Content-Encoding", "br"}};
  CHECK(http::Finish(request, 1024, false, ready).find("gzip") == std::string::npos);

  head = http::Finish(request, 1024, false, response);
  CHECK(head.find("Content-Encoding: gzip\r\n") != std::string::npos);
  CHECK(Gunzip(response.body) == std::string(5000, 'x'));

  request.method = "HEAD";
  response.body = "hello";
  CHECK(http::Finish(request, 1024, false, response).find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(response.body.empty());
}

TEST_CASE("Finish leaves out headers that would add lines") {
  http::Response response;
  response.status = 204;
  response.headers = {{"Allow", "GET"}, {"Location", "/\r\nSet-Cookie: a=b"}, {"Bad\nName", "x"}, {"", "x"}};
  CHECK(http::Finish({}, 1024, false, response) == "HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n");
}

TEST_CASE("ParseListenAddress") {
  auto good = [](std::string_view in, std::string_view host, int port, bool ipv6) {
    CAPTURE(in);
    const auto address = http::ParseListenAddress(in);
    REQUIRE(address.ok());
    CHECK(address.value().host == host);
    CHECK(address.value().port == port);
    CHECK(address.value().is_ipv6 == ipv6);
  };
  good(":8082", "", 8082, false);
  good("127.0.0.1:0", "127.0.0.1", 0, false);
  good("localhost:65535", "localhost", 65535, false);
  good("[::1]:8082", "::1", 8082, true);
  good("[::]:1", "::", 1, true);
  for (std::string_view in :
       {"",          "8082",   ":",      ":x",          ":-1",   ":65536",         ":99999999999999999999",
        "localhost", "::1:80", "[::1]",  "[::1:80",     "[]:80", "[127.0.0.1]:80", "999.1.1.1:80",
        "1.2.3:80",  "a b:80", "a,b:80", "http://a:80", "+:80",  "[::1]x:80",      ":80s"}) {
    CAPTURE(in);
    REQUIRE(!http::ParseListenAddress(in).ok());
    CHECK(http::ParseListenAddress(in).error().code == cloudmon::ErrorCode::kInvalid);
  }
}
