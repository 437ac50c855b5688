// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/kubelet.h"

#include <doctest/doctest.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/stub_server.h"

namespace cloudmon::identity {
namespace {

using nlohmann::json;

TEST_CASE("PodsFromList") {
  const json pod = {{"metadata", {{"uid", "u1"}, {"namespace", "shop"}, {"name", "web"}}}};
  const auto pods = PodsFromList({{"kind", "PodList"}, {"items", {pod, json(7), json::object()}}});
  REQUIRE(pods.ok());
  REQUIRE(pods.value().size() == 1);
  CHECK(pods.value()[0].name == "web");
  CHECK(PodsFromList({{"items", json()}}).value().empty());
  CHECK(PodsFromList({{"items", json::array()}}).value().empty());
  for (const json& bad : {json(), json("x"), json::array(), json::object(), json{{"items", 7}}}) {
    CAPTURE(bad);
    CHECK(PodsFromList(bad).error().code == ErrorCode::kParse);
  }
}

TEST_CASE("KubeletSource: pods, and errors that name what to change") {
  std::mutex mutex;
  std::string answer = test::HttpAnswer(R"({"items": [{"metadata": {"uid": "u1", "namespace": "n", "name": "p"}}]})");
  const test::StubServer kubelet([&](test::StubConnection& connection) {
    if (!connection.ReadRequest().starts_with("GET /pods ")) return;
    const std::lock_guard lock(mutex);
    connection.Send(answer);
  });
  KubeletSource source({.url = kubelet.Url(""), .token_file = "", .ca_file = ""});
  CHECK(source.name() == "kubelet");
  const auto pods = source.Fetch();
  REQUIRE(pods.ok());
  CHECK(pods.value().size() == 1);

  const auto error = [&](const std::string& status, const std::string& body) {
    {
      const std::lock_guard lock(mutex);
      answer = test::HttpAnswer(body, "", status);
    }
    return source.Fetch().error();
  };
  const auto has = [](const Error& e, std::string_view text) {
    CAPTURE(e.message);
    CHECK(e.message.starts_with("kubelet: "));
    CHECK(e.message.find(text) != std::string::npos);
  };
  has(error("403 Forbidden", "Forbidden"), "let the service account get nodes/proxy, or nodes/pods");
  CHECK(error("401 Unauthorized", "Unauthorized").code == ErrorCode::kDenied);
  has(error("404 Not Found", ""), "is --kubelet.url that of a kubelet?");
  has(error("200 OK", "hello"), "is --kubelet.url that of a kubelet?");
  has(error("200 OK", "{}"), "is --kubelet.url that of a kubelet?");
  CHECK(error("200 OK", "{}").code == ErrorCode::kParse);

  KubeletSource nobody({.url = "http://127.0.0.1:1", .token_file = "", .ca_file = ""});
  has(nobody.Fetch().error(), "set --kubelet.url, --kubelet.ca-file or --kubelet.insecure-skip-verify");
}

}  // namespace
}  // namespace cloudmon::identity
