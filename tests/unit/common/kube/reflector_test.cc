// SPDX-License-Identifier: Apache-2.0
#include "common/kube/reflector.h"

#include <doctest/doctest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/files.h"
#include "tests/support/stub_server.h"

using namespace cloudmon;        // NOLINT: a test
using namespace cloudmon::kube;  // NOLINT: a test
using nlohmann::json;

namespace {

const Resource kPods{"/api/v1/pods", "", ""};

// What a reflector has told: the objects by name, and how often it began anew.
class Kept final : public Handler {
 public:
  void Replace(std::vector<json> objects) override {
    const std::lock_guard lock(mu_);
    names_.clear();
    for (const json& object : objects) Keep(object);
    ++replaced_;
    changed_.notify_all();
  }
  void Apply(json object) override {
    const std::lock_guard lock(mu_);
    Keep(object);
    changed_.notify_all();
  }
  void Delete(const json& object) override {
    const std::lock_guard lock(mu_);
    names_.erase(object["metadata"]["name"].get<std::string>());
    changed_.notify_all();
  }

  // Blocks until these are the objects, each with the version it has, and so many lists have come.
  void Wait(const std::map<std::string, std::string>& names, int replaced) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return names_ == names && replaced_ == replaced; });
  }

 private:
  void Keep(const json& object) {
    names_[object["metadata"]["name"].get<std::string>()] = object["metadata"]["resourceVersion"].get<std::string>();
  }

  std::mutex mu_;
  std::condition_variable changed_;
  std::map<std::string, std::string> names_;
  int replaced_ = 0;
};

json Object(const std::string& name, int version) {
  return {{"metadata", {{"name", name}, {"resourceVersion", std::to_string(version)}}}};
}

std::string Page(int version, std::vector<json> objects, const std::string& rest = "") {
  json list{{"metadata", {{"resourceVersion", std::to_string(version)}}}, {"items", std::move(objects)}};
  if (!rest.empty()) list["metadata"]["continue"] = rest;
  return test::HttpAnswer(list.dump());
}

std::string Chunk(const std::string& text) {
  char size[32];
  std::snprintf(size, sizeof(size), "%zx\r\n", text.size());
  return size + text + "\r\n";
}

std::string Event(const char* type, const json& object) {
  return Chunk(json{{"type", type}, {"object", object}}.dump() + "\n");
}

constexpr const char* kWatchHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// Answers the requests one after the other, and the one after the last by silence until the other side closes.
class Script {
 public:
  // Without an answer, the cut must not be on a connection that had one: libcurl would ask again by itself.
  struct Step {
    std::string answer;
    bool cut = false;           // the connection, after the answer
    std::int64_t takes_ms = 0;  // of the clock, before the answer
  };
  explicit Script(std::vector<Step> steps)
      : steps_(std::move(steps)), server_([this](test::StubConnection& connection) { Serve(connection); }) {}

  [[nodiscard]] Api api() const { return {.url = server_.Url(""), .token_file = token_file, .ca_file = ""}; }

  // Blocks until that many requests have come; their heads.
  std::vector<std::string> Wait(std::size_t requests) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return heads_.size() >= requests; });
    return heads_;
  }

  std::string token_file;
  test::FakeClock clock{0};

 private:
  void Serve(test::StubConnection& connection) {
    while (true) {
      const std::string head = connection.ReadRequest();
      if (head.empty()) return;
      std::unique_lock lock(mu_);
      const std::size_t at = heads_.size();
      heads_.push_back(head);
      lock.unlock();
      changed_.notify_all();
      if (at >= steps_.size()) {
        connection.WaitClosed();
        return;
      }
      clock.Advance(steps_[at].takes_ms);
      connection.Send(steps_[at].answer);
      if (steps_[at].cut) return;
    }
  }

  std::mutex mu_;
  std::condition_variable changed_;
  const std::vector<Step> steps_;
  std::vector<std::string> heads_;
  test::StubServer server_;  // after what its threads use
};

std::unique_ptr<Reflector> StartOn(const Script& script, Kept& kept) {
  auto reflector = Reflector::Start(script.api(), kPods, kept, script.clock);
  REQUIRE(reflector.ok());
  return std::move(reflector).value();
}

}  // namespace

TEST_CASE("a list of several pages, then a watch from its version") {
  Script script({{Page(17, {Object("a", 3), Object("b", 4)}, "next")},
                 {Page(17, {Object("c", 5)})},
                 {kWatchHead + Event("ADDED", Object("d", 18)) + Event("MODIFIED", Object("a", 19)) +
                  Event("DELETED", Object("b", 20)) + Event("BOOKMARK", Object("", 21))}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"a", "19"}, {"c", "5"}, {"d", "18"}}, 1);
  const auto heads = script.Wait(3);
  CHECK(heads[0].starts_with("GET /api/v1/pods?limit=100&resourceVersion=0 "));
  CHECK(heads[1].starts_with("GET /api/v1/pods?limit=100&continue=next "));
  CHECK(heads[2].find("watch=1&allowWatchBookmarks=true&resourceVersion=17&timeoutSeconds=") != std::string::npos);
  CHECK(reflector->Stats().listed);
  CHECK(reflector->Stats().watching);
  CHECK(reflector->Stats().lists == 1);
  CHECK(reflector->Stats().failures == 0);
}  // and the reflector ends though the watch goes on

TEST_CASE("after a cut the watch goes on from the last event or bookmark, without a list") {
  Script script(
      {{Page(17, {Object("a", 3)})},
       {kWatchHead + Event("ADDED", Object("b", 18)) + Event("BOOKMARK", Object("", 25)) + "5\r\n{\"typ", true},
       {kWatchHead + Event("ADDED", Object("c", 26))}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"a", "3"}, {"b", "18"}, {"c", "26"}}, 1);
  CHECK(script.Wait(3)[2].find("resourceVersion=25&") != std::string::npos);
  CHECK(reflector->Stats().failures == 1);
  CHECK(reflector->Stats().watching);
}

TEST_CASE("what is gone is listed again: as an event, and in the middle of a list") {
  const std::string status = R"({"kind": "Status", "code": 410, "message": "too old"})";
  Script script({{Page(17, {Object("a", 3), Object("b", 4)})},
                 {kWatchHead + Event("ERROR", json::parse(status)) + "0\r\n\r\n"},
                 {Page(30, {Object("b", 22)}, "next")},
                 {test::HttpAnswer(status, "", "410 Gone")},
                 {Page(40, {Object("c", 33)})},
                 {kWatchHead + Event("ADDED", Object("d", 41))}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"c", "33"}, {"d", "41"}}, 2);  // the broken list replaced nothing
  const auto heads = script.Wait(6);
  CHECK(heads[2].starts_with("GET /api/v1/pods?limit=100 "));
  CHECK(heads[4].starts_with("GET /api/v1/pods?limit=100 "));
  CHECK(heads[5].find("resourceVersion=40&") != std::string::npos);
  CHECK(reflector->Stats().lists == 2);
}

TEST_CASE("a watch may be refused as gone, too") {
  Script script({{Page(17, {Object("a", 3)})},
                 {test::HttpAnswer("{}", "", "410 Gone")},
                 {Page(30, {Object("b", 22)})},
                 {kWatchHead}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"b", "22"}}, 2);
  CHECK(script.Wait(4)[3].find("resourceVersion=30&") != std::string::npos);
}

TEST_CASE("after an event that cannot be read all is listed again: the next watch would bring it too") {
  Script script({{Page(17, {Object("a", 3)})},
                 {kWatchHead + Chunk("{\"type\": \"ADDED\", \"object\": {}}\n")},
                 {Page(18, {Object("a", 3), Object("b", 18)})}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"a", "3"}, {"b", "18"}}, 2);
  CHECK(reflector->Stats().last_error.message.find("no metadata.resourceVersion") != std::string::npos);
}

TEST_CASE("a server without an answer is no good one, however long it took") {
  constexpr std::int64_t kMinuteMs = 60'000;
  Script script({{Page(17, {}), true}, {"", true, kMinuteMs}, {"", true, kMinuteMs}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  script.Wait(4);
  CHECK(reflector->Stats().failures == 2);
  CHECK(!reflector->Stats().watching);
  CHECK(reflector->Stats().listed);
}

TEST_CASE("after failures a watch is good as soon as it is answered") {
  Script script({{Page(17, {}), true}, {"", true}, {"", true}, {kWatchHead}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  script.Wait(4);
  while (!reflector->Stats().watching) std::this_thread::yield();
  CHECK(reflector->Stats().failures == 2);
  CHECK(reflector->Stats().lists == 1);
}

TEST_CASE("a list that is cut off, or is none, replaces nothing") {
  const std::string whole = Page(17, {Object("a", 3)});
  Script script({{whole.substr(0, whole.size() - 9), true}, {test::HttpAnswer("[]")}, {whole}, {kWatchHead}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({{"a", "3"}}, 1);
  CHECK(reflector->Stats().failures == 2);
}

TEST_CASE("what the server has in memory is asked for until it has come, but not again where it is too long") {
  const std::string too_long = "HTTP/1.1 200 OK\r\nContent-Length: 134217728\r\n\r\n" + std::string(65U << 20U, ' ');
  Script script(
      {{test::HttpAnswer("busy", "", "503 Service Unavailable")}, {too_long, true}, {Page(17, {})}, {kWatchHead}});
  Kept kept;
  const auto reflector = StartOn(script, kept);
  kept.Wait({}, 1);
  const auto heads = script.Wait(4);
  CHECK(heads[1].find("resourceVersion=0 ") != std::string::npos);
  CHECK(heads[2].find("resourceVersion") == std::string::npos);
}

TEST_CASE("the token is read anew for each request") {
  const test::TempDir dir;
  Script script({{test::HttpAnswer("Unauthorized", "", "401 Unauthorized")}, {Page(17, {})}, {kWatchHead}});
  script.token_file = dir.Write("token", "old\n");
  Kept kept;
  const auto reflector = StartOn(script, kept);
  CHECK(script.Wait(1)[0].find("Authorization: Bearer old\r\n") != std::string::npos);
  dir.Write("token", "new\n");
  kept.Wait({}, 1);
  CHECK(script.Wait(3)[2].find("Authorization: Bearer new\r\n") != std::string::npos);
}

TEST_CASE("a failure says what to change") {
  Kept kept;
  const auto error_of = [&](const Api& api) {
    const auto answer = GetJson(api, "/api/v1/pods", 1000);
    REQUIRE(!answer.ok());
    return answer.error();
  };
  Script script({{test::HttpAnswer(R"({"message": "pods is forbidden"})", "", "403 Forbidden")},
                 {test::HttpAnswer("no JSON")},
                 {test::HttpAnswer(std::string(2000, ' '))},
                 {test::HttpAnswer("{}")}});
  CHECK(error_of(script.api()).message.find("/api/v1/pods: HTTP 403: give the service account a role") !=
        std::string::npos);
  CHECK(error_of(script.api()).code == ErrorCode::kParse);
  CHECK(error_of(script.api()).code == ErrorCode::kLimit);
  CHECK(GetJson(script.api(), "/", 1000).value() == json::object());
  Api api = script.api();
  api.token_file = "/nowhere/token";
  CHECK(error_of(api).message.find("/nowhere/token") != std::string::npos);
  api = {.url = "https" + script.api().url.substr(4), .token_file = "", .ca_file = "/nowhere/ca.crt"};
  CHECK(error_of(api).message.find("/nowhere/ca.crt") != std::string::npos);
  CHECK(error_of({.url = "http://127.0.0.1:1", .token_file = "", .ca_file = ""}).code == ErrorCode::kIo);
}

TEST_CASE("in a pod of Kubernetes, and elsewhere") {
  std::map<std::string, std::string> variables{{"KUBERNETES_SERVICE_HOST", "10.96.0.1"},
                                               {"KUBERNETES_SERVICE_PORT", "443"}};
  const Environment environment = [&](const char* name) {
    const auto at = variables.find(name);
    return at == variables.end() ? nullptr : at->second.c_str();
  };
  auto api = InClusterApi(environment, "/account");
  REQUIRE(api.ok());
  CHECK(api.value().url == "https://10.96.0.1:443");
  CHECK(api.value().token_file == "/account/token");
  CHECK(api.value().ca_file == "/account/ca.crt");
  variables["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  CHECK(InClusterApi(environment, "/account").value().url == "https://[fd00::1]:443");
  variables.erase("KUBERNETES_SERVICE_PORT");
  api = InClusterApi(environment, "/account");
  REQUIRE(!api.ok());
  CHECK(api.error().code == ErrorCode::kNotFound);
}
