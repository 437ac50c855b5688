// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/kubernetes.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace cloudmon::identity {
namespace {

using nlohmann::json;

json Pod(const std::string& name, const std::string& uid) {
  return {{"metadata", {{"uid", uid}, {"namespace", "shop"}, {"name", name}}}, {"spec", json::object()}};
}

TEST_CASE("WatchedPods: what changes a name is a new version, all else is not") {
  WatchedPods pods;
  CHECK(pods.version() == 0);
  pods.Replace({});
  CHECK(pods.version() == 1);
  CHECK(pods.Pods().empty());

  pods.Apply(Pod("web", "u1"));
  CHECK(pods.version() == 2);
  json same = Pod("web", "u1");
  same["metadata"]["resourceVersion"] = "7";
  same["status"]["phase"] = "Running";
  pods.Apply(same);
  CHECK(pods.version() == 2);
  same["spec"]["containers"] = {{{"name", "app"}, {"image", "web:1"}}};
  pods.Apply(same);
  CHECK(pods.version() == 3);
  REQUIRE(pods.Pods().size() == 1);
  CHECK(pods.Pods()[0].containers[0].image == "web:1");

  pods.Apply(Pod("web", "u2"));  // made again under its name
  CHECK(pods.Pods().size() == 2);
  pods.Delete(Pod("web", "u1"));
  CHECK(pods.version() == 5);
  pods.Delete(Pod("web", "u1"));
  CHECK(pods.version() == 5);
  REQUIRE(pods.Pods().size() == 1);
  CHECK(pods.Pods()[0].uid == "u2");
}

TEST_CASE("WatchedPods: a list replaces all, and the same list changes nothing") {
  WatchedPods pods;
  pods.Replace({Pod("a", "u1"), Pod("b", "u2"), json(7)});
  CHECK(pods.Pods().size() == 2);
  const std::uint64_t version = pods.version();
  pods.Replace({Pod("b", "u2"), Pod("a", "u1")});
  CHECK(pods.version() == version);
  pods.Replace({Pod("b", "u2")});
  CHECK(pods.version() == version + 1);
  CHECK(pods.Pods().size() == 1);
  pods.Apply(json::array());
  pods.Delete(json());
  CHECK(pods.version() == version + 1);
}

class FakeReflector final : public kube::Reflector {
 public:
  explicit FakeReflector(kube::ReflectorStats& stats) : stats_(stats) {}
  [[nodiscard]] kube::ReflectorStats Stats() const override { return stats_; }

 private:
  kube::ReflectorStats& stats_;
};

TEST_CASE("KubernetesSource: an error until something was listed, then the last state") {
  kube::ReflectorStats stats;
  auto watched = std::make_unique<WatchedPods>();
  WatchedPods& pods = *watched;
  KubernetesSource source(std::move(watched), std::make_unique<FakeReflector>(stats));
  CHECK(source.name() == "kubernetes");

  stats.failures = 1;
  stats.last_error = Error{ErrorCode::kDenied, "403: let the service account list pods"};
  CHECK(source.Fetch().error().message == "kubernetes: 403: let the service account list pods");
  CHECK(source.Fetch().error().code == ErrorCode::kDenied);
  CHECK(source.version() == 0);

  pods.Replace({Pod("web", "u1")});
  stats.listed = stats.watching = true;
  CHECK(source.version() == 1);
  CHECK(source.current());
  REQUIRE(source.Fetch().ok());
  CHECK(source.Fetch().value().size() == 1);

  stats.watching = false;
  ++stats.failures;
  CHECK(!source.current());
  CHECK(source.Fetch().value().size() == 1);
}

TEST_CASE("KubernetesSource: no answer yet") {
  kube::ReflectorStats stats;
  KubernetesSource source(std::make_unique<WatchedPods>(), std::make_unique<FakeReflector>(stats));
  CHECK(source.Fetch().error().code == ErrorCode::kTimeout);  // after the wait, which is for the first time only
  CHECK(source.Fetch().error().code == ErrorCode::kTimeout);
}

}  // namespace
}  // namespace cloudmon::identity
