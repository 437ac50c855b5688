// SPDX-License-Identifier: Apache-2.0
#include "common/kube/list_watch.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/kube/api_error.h"
#include "common/kube/event_stream.h"

using namespace cloudmon;        // NOLINT: a test
using namespace cloudmon::kube;  // NOLINT: a test

TEST_CASE("what is asked") {
  const Resource pods{"/api/v1/pods", "spec.nodeName=node a", "app in (x,y)"};
  CHECK(ListPath({"/api/v1/pods", "", ""}, ListOf::kNow, "") == "/api/v1/pods?limit=100");
  CHECK(ListPath({"/api/v1/pods", "", ""}, ListOf::kCached, "") == "/api/v1/pods?limit=100&resourceVersion=0");
  CHECK(ListPath(pods, ListOf::kCached, "to+ken/=") ==
        "/api/v1/pods?limit=100&fieldSelector=spec.nodeName%3Dnode%20a&labelSelector=app%20in%20%28x%2Cy%29"
        "&continue=to%2Bken%2F%3D");
  CHECK(WatchPath(pods, "17", 300) ==
        "/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=17&timeoutSeconds=300"
        "&fieldSelector=spec.nodeName%3Dnode%20a&labelSelector=app%20in%20%28x%2Cy%29");
}

TEST_CASE("pages of a list") {
  auto page = ParseListPage(R"({"kind": "PodList", "metadata": {"resourceVersion": "17", "continue": "more"}, "items": [
    {"metadata": {"name": "a", "managedFields": [{"manager": "kubelet"}]}}, {"spec": 1}, 7]})");
  REQUIRE(page.ok());
  CHECK(page.value().resource_version == "17");
  CHECK(page.value().continue_token == "more");
  REQUIRE(page.value().objects.size() == 3);  // whoever takes them judges them
  CHECK(page.value().objects[0] == nlohmann::json{{"metadata", {{"name", "a"}}}});
  page = ParseListPage(R"({"metadata": {"resourceVersion": "17"}, "items": null})");  // as Go writes an empty list
  REQUIRE(page.ok());
  CHECK(page.value().objects.empty());
  CHECK(page.value().continue_token.empty());
}

TEST_CASE("what is no list") {
  for (const char* body :
       {"", "{", "[]", "7", "{}", R"({"metadata": 1})", R"({"metadata": {"resourceVersion": 17}, "items": []})",
        R"({"metadata": {"resourceVersion": ""}, "items": []})",
        R"({"metadata": {"resourceVersion": "17"}, "items": {}})"}) {
    INFO(body);
    const auto page = ParseListPage(body);
    REQUIRE(!page.ok());
    CHECK(page.error().code == ErrorCode::kParse);
  }
}

TEST_CASE("events of a watch") {
  const struct {
    const char* type;
    EventType expected;
  } types[] = {{"ADDED", EventType::kApply},
               {"MODIFIED", EventType::kApply},
               {"DELETED", EventType::kDelete},
               {"BOOKMARK", EventType::kBookmark}};
  for (const auto& [type, expected] : types) {
    const auto event = ParseEvent(std::string(R"({"type": ")") + type +
                                  R"(", "object": {"metadata": {"resourceVersion": "18", "managedFields": []}}})");
    REQUIRE(event.ok());
    CHECK(event.value().type == expected);
    CHECK(event.value().resource_version == "18");
    CHECK(event.value().object == nlohmann::json{{"metadata", {{"resourceVersion", "18"}}}});
  }
}

TEST_CASE("events that are none, and what the server says instead") {
  const struct {
    const char* line;
    ErrorCode code;
    const char* says;
  } bad[] = {
      {"", ErrorCode::kParse, "no event"},
      {"{", ErrorCode::kParse, "no event"},
      {"[]", ErrorCode::kParse, "no event"},
      {R"({"type": "ADDED"})", ErrorCode::kParse, "no event"},
      {R"({"type": 1, "object": {}})", ErrorCode::kParse, "no event"},
      {R"({"type": "MOVED", "object": {"metadata": {"resourceVersion": "1"}}})", ErrorCode::kParse, "MOVED"},
      {R"({"type": "ADDED", "object": 7})", ErrorCode::kParse, "no metadata.resourceVersion"},
      {R"({"type": "ADDED", "object": {"metadata": {}}})", ErrorCode::kParse, "no metadata.resourceVersion"},
      {R"({"type": "ERROR", "object": {"code": 410, "message": "too old"}})", ErrorCode::kGone, "410: too old"},
      {R"({"type": "ERROR", "object": {"code": 500, "message": "etcd"}})", ErrorCode::kIo, "500: etcd"},
      {R"({"type": "ERROR", "object": {"code": "410"}})", ErrorCode::kIo, "no message"},
      {R"({"type": "ERROR", "object": null})", ErrorCode::kIo, "no message"},
  };
  for (const auto& [line, code, says] : bad) {
    INFO(line);
    const auto event = ParseEvent(line);
    REQUIRE(!event.ok());
    CHECK(event.error().code == code);
    CHECK(event.error().message.find(says) != std::string::npos);
  }
}

TEST_CASE("answers that refuse say what to change") {
  const Api api{.url = "https://10.0.0.1", .token_file = "/run/token", .ca_file = ""};
  const char* forbidden =
      R"({"kind": "Status", "message": "pods is forbidden: User \"x\" cannot list resource \"pods\""})";
  const struct {
    long status;
    const char* body;
    ErrorCode code;
    const char* says;
  } answers[] = {
      {401, "Unauthorized", ErrorCode::kDenied,
       "the token in /run/token: has it expired?; the server says: Unauthorized"},
      {403, forbidden, ErrorCode::kDenied,
       "a role that allows it; the server says: pods is forbidden: User \"x\" cannot list"},
      {404, "404 page\nnot found", ErrorCode::kNotFound, "the server says: 404 page not found"},
      {410, "", ErrorCode::kGone, "HTTP 410"},
      {500, "{\"message\": 7}", ErrorCode::kIo, "HTTP 500"},
      {302, "", ErrorCode::kIo, "redirects are not followed"},
      {503, "\xff\xfe", ErrorCode::kIo, "HTTP 503"},
  };
  for (const auto& [status, body, code, says] : answers) {
    INFO(status);
    const Error error = AnswerError(status, body, api);
    CHECK(error.code == code);
    CHECK(error.message.find(says) != std::string::npos);
  }
  CHECK(AnswerError(401, "", Api{}).message.find("no token file is set") != std::string::npos);
}

TEST_CASE("lines of a stream, wherever it is cut") {
  const std::string text = "{\"a\": 1}\n\n{\"b\": 2}\n{\"c\": 3}\n{\"rest\"";
  const std::vector<std::string> expected{"{\"a\": 1}", "{\"b\": 2}", "{\"c\": 3}"};
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      EventStream stream;
      std::vector<std::string> lines;
      const auto take = [&](std::string_view line) -> Status {
        lines.emplace_back(line);
        return Status::Ok();
      };
      const std::string_view all = text;
      REQUIRE(stream.Add(all.substr(0, first), take).ok());
      REQUIRE(stream.Add(all.substr(first, second - first), take).ok());
      REQUIRE(stream.Add(all.substr(second), take).ok());
      CHECK(lines == expected);
    }
  }
}

TEST_CASE("a stream ends at the first error, and at a line without end") {
  EventStream stream;
  int taken = 0;
  const auto refuse = [&](std::string_view) -> Status {
    ++taken;
    return Error{ErrorCode::kParse, "bad"};
  };
  CHECK(!stream.Add("a\nb\n", refuse).ok());
  CHECK(taken == 1);
  const std::string block(1U << 20U, 'x');
  const auto none = [](std::string_view) { return Status::Ok(); };
  for (int i = 0; i < 4; ++i) CHECK(stream.Add(block, none).ok());
  const Status long_line = stream.Add("x", none);
  REQUIRE(!long_line.ok());
  CHECK(long_line.error().code == ErrorCode::kLimit);
}
