// SPDX-License-Identifier: Apache-2.0
#include "common/http/cors.h"

#include <doctest/doctest.h>

#include "common/http/exchange.h"

namespace http = cloudmon::http;
using Headers = std::vector<std::pair<std::string, std::string>>;

namespace {

const Headers kAllow = {{"Allow", "OPTIONS, GET, HEAD"}};

// What ApplyCors adds to a response that has `own` headers.
Headers Added(const std::vector<std::string>& origins, std::string method, Headers sent, Headers own = kAllow) {
  http::Request request;
  request.method = std::move(method);
  request.headers = std::move(sent);
  http::Response response;
  response.headers = own;
  http::ApplyCors(origins, request, response);
  REQUIRE(response.headers.size() >= own.size());
  const auto end = response.headers.begin() + static_cast<std::ptrdiff_t>(own.size());
  CHECK(Headers(response.headers.begin(), end) == own);
  return {end, response.headers.end()};
}

}  // namespace

TEST_CASE("only listed origins are let in") {
  const Headers page = {{"origin", "https://a.example"}};
  const Headers allowed = {{"Access-Control-Allow-Origin", "https://a.example"}, {"Vary", "Origin"}};
  CHECK(Added({"https://a.example"}, "GET", page) == allowed);
  CHECK(Added({"https://b.example", "https://a.example"}, "POST", page) == allowed);
  CHECK(Added({"*"}, "GET", page) == Headers{{"Access-Control-Allow-Origin", "*"}});
  CHECK(Added({"https://a.example", "*"}, "GET", page) == Headers{{"Access-Control-Allow-Origin", "*"}});
  for (const std::vector<std::string>& origins : std::vector<std::vector<std::string>>{
           {}, {"https://b.example"}, {"https://A.example"}, {"https://a.example:443"}, {"http://a.example"}, {""}}) {
    CHECK(Added(origins, "GET", page).empty());
  }
  CHECK(Added({"*"}, "GET", {}).empty());
  CHECK(Added({"*"}, "GET", {{"Origin", ""}}).empty());
  CHECK(Added({"https://a.example"}, "GET", {{"Origin", "null"}}).empty());
}

TEST_CASE("a preflight is told the methods") {
  const Headers preflight = {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "GET"}};
  const Headers told = {{"Access-Control-Allow-Methods", "OPTIONS, GET, HEAD"},
                        {"Access-Control-Allow-Headers", "Authorization, Content-Type"},
                        {"Access-Control-Max-Age", "600"}};
  Headers want = {{"Access-Control-Allow-Origin", "https://a.example"}, {"Vary", "Origin"}};
  CHECK(Added({"https://a.example"}, "OPTIONS", preflight, {}) == want);  // an unknown path
  CHECK(Added({"https://a.example"}, "GET", preflight) == want);
  CHECK(Added({"https://a.example"}, "OPTIONS", {preflight[0]}) == want);
  want.insert(want.end(), told.begin(), told.end());
  CHECK(Added({"https://a.example"}, "OPTIONS", preflight) == want);
  CHECK(Added({"https://b.example"}, "OPTIONS", preflight).empty());
}

TEST_CASE("Vary: Origin stands beside the server's Vary") {
  http::Request request;
  request.headers = {{"Origin", "https://a.example"}};
  http::Response response;
  response.body.assign(5000, 'x');
  http::ApplyCors({"https://a.example"}, request, response);
  const std::string head = http::Finish(request, 1024, false, response);
  CHECK(head.find("\r\nVary: Origin\r\n") != std::string::npos);
  CHECK(head.find("\r\nVary: Accept-Encoding\r\n") != std::string::npos);
}
