// SPDX-License-Identifier: Apache-2.0
#include "common/http/http.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

#include "common/http/address.h"
#include "common/http/exchange.h"
#include "common/http/gzip.h"

namespace http = cloudmon::http;
using Pairs = std::vector<std::pair<std::string, std::string>>;

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
    const auto back = http::Gunzip(http::Gzip(in), in.size());
    REQUIRE(back.ok());
    CHECK((back.value() == in));
  }
  CHECK(http::Gzip(lines).size() < lines.size() / 5);
}

TEST_CASE("Gzipper makes one file of pieces") {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  for (const std::size_t piece_bytes : {1UL, 100UL, 65536UL, text.size()}) {
    CAPTURE(piece_bytes);
    http::Gzipper gzipper;
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      REQUIRE(gzipper.Add(std::string_view(text).substr(at, piece_bytes), false, out));
    }
    REQUIRE(gzipper.Add("", true, out));
    CHECK((http::Gunzip(out, text.size()).value() == text));
  }
}

TEST_CASE("Gunzip takes whole files up to the limit") {
  using cloudmon::ErrorCode;
  const std::string text(100'000, 'x');
  const std::string packed = http::Gzip(text);
  auto good = [](const std::string& in, std::size_t max_bytes, const std::string& want) {
    const auto out = http::Gunzip(in, max_bytes);
    REQUIRE(out.ok());
    CHECK((out.value() == want));
  };
  good(packed, text.size(), text);
  good(packed, std::numeric_limits<std::size_t>::max(), text);
  good(http::Gzip(""), 0, "");
  good(packed + http::Gzip("y"), text.size() + 1, text + "y");  // several in a row, as from `cat a.gz b.gz`
  auto bad = [](const std::string& in, std::size_t max_bytes, ErrorCode code, std::string_view part) {
    CAPTURE(in.size());
    const auto out = http::Gunzip(in, max_bytes);
    REQUIRE(!out.ok());
    CHECK(out.error().code == code);
    CAPTURE(out.error().message);
    CHECK(out.error().message.find(part) != std::string::npos);
  };
  bad(packed, text.size() - 1, ErrorCode::kLimit, "the limit of 99999 bytes");
  bad(packed, 0, ErrorCode::kLimit, "the limit of 0 bytes");
  bad(packed + http::Gzip("y"), text.size(), ErrorCode::kLimit, "the limit of 100000 bytes");
  bad(http::Gzip(std::string(64U << 20U, '\0')), 1000, ErrorCode::kLimit, "the limit of 1000 bytes");
  for (std::size_t size = 0; size < packed.size(); ++size) {
    bad(packed.substr(0, size), text.size(), ErrorCode::kParse, "cut short");
  }
  for (const char* rest : {"x", "\x1f", "trailing garbage"}) {
    bad(packed + rest, text.size(), ErrorCode::kParse, "gzip file");
  }
  bad("plain text", 1000, ErrorCode::kParse, "not a gzip file");
  std::string wrong_sum = packed;
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  bad(wrong_sum, text.size(), ErrorCode::kParse, "damaged");
  bad(std::string("\x78\x9c\x03\x00\x00\x00\x00\x01", 8), 1000, ErrorCode::kParse,
      "not a gzip file");  // zlib's wrapper
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
  CHECK(http::Gunzip(response.body, 5000).value() == std::string(5000, 'x'));

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
