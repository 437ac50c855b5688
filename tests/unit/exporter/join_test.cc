// SPDX-License-Identifier: Apache-2.0
#include "exporter/join.h"

#include <doctest/doctest.h>

#include <memory>

using namespace cloudmon;  // NOLINT: a test

namespace {

cgroup::Pod MakePod(const std::string& uid) {
  cgroup::Pod pod;
  pod.uid = uid;
  pod.qos = "burstable";
  for (const std::uint32_t pid : {10U, 20U, 30U}) {
    cgroup::Container container;
    container.id = uid + std::to_string(pid);
    container.pids = {pid};
    pod.containers.push_back(container);
  }
  return pod;
}

std::shared_ptr<identity::ResolvedPod> Known(const std::string& uid) {
  auto who = std::make_shared<identity::ResolvedPod>();
  who->state = identity::PodState::kKnown;
  who->identity.uid = uid;
  who->identity.namespace_name = "shop";
  who->identity.name = "web-1";
  who->identity.deployment = "web";
  who->containers = {{uid + "10", identity::ContainerKind::kSandbox, "", ""},
                     {uid + "20", identity::ContainerKind::kContainer, "app", "shop/web:1"},
                     {uid + "30", identity::ContainerKind::kHeldBack, "", ""}};
  return who;
}

}  // namespace

TEST_CASE("names join cgroups; pause and held back containers have no series") {
  identity::Resolution who;
  who.pods = {Known("u")};
  const auto pods = JoinPods({MakePod("u")}, who);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].namespace_name == "shop");
  CHECK(pods[0].deployment == "web");
  CHECK(pods[0].sandbox_id == "u10");
  CHECK(pods[0].pause_pid == 10);
  CHECK(pods[0].any_pid == 10);
  REQUIRE(pods[0].containers.size() == 1);
  CHECK(pods[0].containers[0].name == "app");
  CHECK(pods[0].containers[0].image == "shop/web:1");
  CHECK(pods[0].containers[0].cgroup.id == "u20");
}

TEST_CASE("a pod that is held back is left out") {
  auto held = std::make_shared<identity::ResolvedPod>();
  held->state = identity::PodState::kHeldBack;
  identity::Resolution who;
  who.pods = {held, Known("v")};
  const auto pods = JoinPods({MakePod("u"), MakePod("v")}, who);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].cgroup.uid == "v");
}
