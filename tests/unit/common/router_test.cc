// SPDX-License-Identifier: Apache-2.0
#include "common/http/router.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "common/utf8.h"

namespace http = cloudmon::http;

namespace {

// Each route answers with its own pattern and the parameters it got.
http::Router MakeRouter() {
  http::Router router;
  const auto add = [&](const std::string& method, const std::string& pattern) {
    router.Add(method, pattern, "", [=](const http::Request& request) {
      http::Response response;
      response.body = pattern;
      for (const auto& [name, value] : request.path_params) response.body += " " + name + "=" + value;
      return response;
    });
  };
  add("GET", "/");
  add("GET", "/api/nodes/{node}");
  add("GET", "/api/nodes/__all__");
  add("GET", "/api/nodes/{node}/pods");
  add("GET", "/api/{kind}/x/pods");
  add("POST", "/-/reload");
  add("GET", "/both");
  add("POST", "/both");
  add("DELETE", "/api/nodes/__all__");
  router.Add("GET", "/throws", "", [](const http::Request&) -> http::Response { throw std::runtime_error("\xFF no"); });
  router.Add("GET", "/throws-int", "", [](const http::Request&) -> http::Response { throw 1; });
  router.Add("GET", "/path/{name}", "", [](const http::Request& request) {
    http::Response response;
    response.body = request.path;
    return response;
  });
  return router;
}

http::Response Ask(std::string method, std::string raw_path) {
  http::Request request;
  request.method = std::move(method);
  request.path = http::PercentDecode(raw_path).ok() ? http::PercentDecode(raw_path).value() : raw_path;
  request.raw_path = std::move(raw_path);
  return MakeRouter().Dispatch(std::move(request));
}

std::string AllowOf(const http::Response& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "Allow") return value;
  }
  return "";
}

}  // namespace

TEST_CASE("Dispatch finds the route") {
  auto is = [](std::string path, std::string_view want) {
    CAPTURE(path);
    const http::Response response = Ask("GET", path);
    CHECK(response.status == 200);
    CHECK(response.body == want);
  };
  is("/", "/");
  is("/api/nodes/a", "/api/nodes/{node} node=a");
  is("/api/nodes/__all__", "/api/nodes/__all__");
  is("/api/nodes/a/pods", "/api/nodes/{node}/pods node=a");
  is("/api/nodes/x/pods", "/api/nodes/{node}/pods node=x");  // the first literal decides
  is("/api/other/x/pods", "/api/{kind}/x/pods kind=other");
  is("/api/nodes/a%2Fpods", "/api/nodes/{node} node=a/pods");
  is("/api/nodes/%5F_all__", "/api/nodes/__all__");
  is("/api/nodes/a%2520b", "/api/nodes/{node} node=a%20b");  // decoded once
  is("/api/nodes/..", "/api/nodes/{node} node=..");          // a name like any other; nothing is a file here
  is("/api/nodes/%ff", "/api/nodes/{node} node=\xEF\xBF\xBD");
  is("/path/a%20b", "/path/a b");
}

TEST_CASE("Dispatch refuses what it does not know") {
  for (std::string path : {"", "*", "/api", "/api/nodes", "/api/nodes/", "//", "/api//nodes/a", "/api/nodes/a/",
                           "/api/nodes/a/pods/b", "api/nodes/a", "/API/nodes/a", "/%ff%fe", "/api/nodes/a?x"}) {
    if (path == "/api/nodes/a?x") continue;  // '?' never reaches a path
    CAPTURE(path);
    const http::Response response = Ask("GET", path);
    CHECK(response.status == 404);
    CHECK(response.body.find("\"not_found\"") != std::string::npos);
    CHECK(cloudmon::IsValidUtf8(response.body));
  }
  for (std::string path : {"/api/nodes/%", "/api/nodes/%zz", "/%2"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 400);
  }
}

TEST_CASE("Dispatch and methods") {
  CHECK(Ask("HEAD", "/").status == 200);
  CHECK(Ask("POST", "/both").status == 200);
  CHECK(Ask("DELETE", "/api/nodes/__all__").status == 200);
  auto refused = [](std::string method, std::string path, std::string_view allow) {
    CAPTURE(path);
    const http::Response response = Ask(method, path);
    CHECK(response.status == 405);
    CHECK(AllowOf(response) == allow);
    CHECK(response.body.find("\"method_not_allowed\"") != std::string::npos);
  };
  refused("POST", "/", "OPTIONS, GET, HEAD");
  refused("GET", "/-/reload", "OPTIONS, POST");
  refused("HEAD", "/-/reload", "OPTIONS, POST");
  refused("PUT", "/both", "OPTIONS, GET, HEAD, POST");
  const http::Response options = Ask("OPTIONS", "/both");
  CHECK(options.status == 204);
  CHECK(options.body.empty());
  CHECK(AllowOf(options) == "OPTIONS, GET, HEAD, POST");
  CHECK(Ask("OPTIONS", "/nothing").status == 404);
}

TEST_CASE("an exception out of a handler is a 500 that tells the client nothing") {
  for (std::string path : {"/throws", "/throws-int"}) {
    const http::Response response = Ask("GET", path);
    CHECK(response.status == 500);
    CHECK(response.body.find("internal_error") != std::string::npos);
    CHECK(response.body.find(" no") == std::string::npos);
  }
}

TEST_CASE("without raw_path the path is taken as it is") {
  http::Request request;
  request.method = "GET";
  request.path = "/api/nodes/100%";
  CHECK(MakeRouter().Dispatch(request).body == "/api/nodes/{node} node=100%");
}

TEST_CASE("the filter sees every response, with the pattern of its route") {
  http::Router router = MakeRouter();
  std::string seen;
  router.SetFilter([&](const http::Request& request, std::string_view pattern, http::Response& response) {
    seen = request.method + " " + std::string(pattern) + " " + std::to_string(response.status);
    response.headers.emplace_back("Filtered", "yes");
  });
  auto is = [&](std::string method, std::string raw_path, std::string_view want) {
    CAPTURE(want);
    http::Request request;
    request.method = std::move(method);
    request.raw_path = std::move(raw_path);
    const http::Response response = router.Dispatch(std::move(request));
    CHECK(seen == want);
    REQUIRE(!response.headers.empty());
    CHECK(response.headers.back().first == "Filtered");
  };
  is("GET", "/api/nodes/a", "GET /api/nodes/{node} 200");
  is("HEAD", "/api/nodes/__all__", "HEAD /api/nodes/__all__ 200");
  is("GET", "/api/nodes/a%2Fb", "GET /api/nodes/{node} 200");
  is("POST", "/both", "POST /both 200");
  is("PUT", "/both", "PUT /both 405");
  is("OPTIONS", "/both", "OPTIONS /both 204");
  is("GET", "/nothing", "GET  404");
  is("GET", "/api/nodes/%zz", "GET  400");
  is("GET", "/throws", "GET /throws 500");
}
