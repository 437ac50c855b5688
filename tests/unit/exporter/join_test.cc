// SPDX-License-Identifier: Apache-2.0
#include "exporter/join.h"

#include <doctest/doctest.h>

#include <memory>
#include <utility>

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
  REQUIRE(pods[0].processes.size() == 3);
  CHECK(pods[0].processes[0].pid == 10);
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

namespace {

// MakePod, its containers started one second after another.
cgroup::Pod StartedAt(const std::string& uid, double seconds) {
  cgroup::Pod pod = MakePod(uid);
  for (cgroup::Container& container : pod.containers) container.usage.start_time_seconds = seconds++;
  return pod;
}

}  // namespace

TEST_CASE("of several containers with one name the newest is kept: no series comes twice") {
  auto twice = Known("u");
  twice->containers[0] = {"u10", identity::ContainerKind::kContainer, "app", "shop/web:2"};
  for (const bool first_is_new : {true, false}) {
    cgroup::Pod pod = StartedAt("u", 100);
    if (first_is_new) pod.containers[0].usage.start_time_seconds = 200;
    identity::Resolution who;
    who.pods = {twice};
    const auto pods = JoinPods({pod}, who);
    REQUIRE(pods.size() == 1);
    REQUIRE(pods[0].containers.size() == 1);
    CHECK(pods[0].containers[0].cgroup.id == (first_is_new ? "u10" : "u20"));
  }
}

TEST_CASE("of several pods with one name the newest is kept, and one without containers counts as oldest") {
  identity::Resolution who;
  who.pods = {Known("u"), Known("v"), Known("w")};
  cgroup::Pod empty = MakePod("w");
  empty.containers.clear();
  const auto pods = JoinPods({StartedAt("u", 100), StartedAt("v", 200), empty}, who);
  REQUIRE(pods.size() == 1);
  CHECK(pods[0].cgroup.uid == "v");
  CHECK(pods[0].start_time_seconds == 200);
}

TEST_CASE("the pause process is asked for the network first") {
  auto last = Known("u");
  std::swap(last->containers[0].kind, last->containers[1].kind);
  identity::Resolution who;
  who.pods = {last};
  cgroup::Pod pod = MakePod("u");
  pod.containers[1].cgroup_path = "/kubepods/podu/crio-1.scope";
  pod.containers[2].pids.clear();
  const auto pods = JoinPods({pod}, who);
  REQUIRE(pods[0].processes.size() == 2);
  CHECK(pods[0].processes[0].pid == 20);
  CHECK(pods[0].processes[0].cgroup_path.ends_with("/crio-1.scope"));
  CHECK(pods[0].processes[1].pid == 10);
}
