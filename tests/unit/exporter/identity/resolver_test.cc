// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/resolver.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/unit/exporter/identity/fake_source.h"

namespace cloudmon::identity {
namespace {

const std::string kApp(64, 'a');
const std::string kProxy(64, 'b');
const std::string kPause(64, 'e');

class FakeProbe final : public Probe {
 public:
  [[nodiscard]] ProcessHints Look(std::uint32_t pid, std::string_view) const override {
    ++looks;
    const auto found = hints.find(pid);
    return found == hints.end() ? ProcessHints{} : found->second;
  }
  std::map<std::uint32_t, ProcessHints> hints;
  mutable int looks = 0;
};

cgroup::Container Cgroup(const std::string& id, std::uint32_t pid, double start_seconds = 0) {
  cgroup::Container container;
  container.id = id;
  if (pid != 0) container.pids = {pid};
  if (start_seconds > 0) container.usage.start_time_seconds = start_seconds;
  return container;
}

cgroup::Pod PodCgroup(const std::string& uid, std::vector<cgroup::Container> containers) {
  cgroup::Pod pod;
  pod.uid = uid;
  pod.cgroup_path = "/kubepods/pod" + uid;
  pod.containers = std::move(containers);
  return pod;
}

PodIdentity Named(const std::string& uid, std::vector<ContainerIdentity> containers, const std::string& sandbox = "") {
  PodIdentity pod;
  pod.uid = uid;
  pod.namespace_name = "shop";
  pod.name = "web-" + uid;
  pod.sandbox_id = sandbox;
  pod.containers = std::move(containers);
  if (!sandbox.empty()) {
    pod.deployment = pod.workload = "web";
    pod.workload_type = "deployment";
  }
  return pod;
}

// A resolver with the sources "cri" and "podlogs".
struct Node {
  test::FakeSource* cri = nullptr;
  test::FakeSource* logs = nullptr;
  FakeProbe probe;
  test::FakeClock clock{1'000'000};
  Resolver resolver;
  std::vector<cgroup::Pod> pods;

  Node() : resolver(Sources(), probe, clock) {}

  std::vector<std::unique_ptr<Source>> Sources() {
    std::vector<std::unique_ptr<Source>> sources;
    sources.push_back(std::make_unique<test::FakeSource>("cri"));
    sources.push_back(std::make_unique<test::FakeSource>("podlogs"));
    cri = static_cast<test::FakeSource*>(sources[0].get());
    logs = static_cast<test::FakeSource*>(sources[1].get());
    return sources;
  }
  ResolvedPod First() { return *resolver.Resolve(pods).pods.at(0); }
  void FailAll() {
    cri->error = Error{ErrorCode::kNotFound, "no socket"};
    logs->error = Error{ErrorCode::kDenied, "no directory"};
  }
};

ResolvedContainer Shown(const std::string& id, const std::string& name, const std::string& image = "") {
  return {id, ContainerKind::kContainer, name, image};
}

TEST_CASE("Resolver: a known pod, its containers and its sandbox") {
  Node node;
  node.cri->pods = {Named("u1", {{kApp, "app", "shop/web:1", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10), Cgroup(kPause, 9)})};
  const Resolution seen = node.resolver.Resolve(node.pods);
  REQUIRE(seen.pods.size() == 1);
  const ResolvedPod& pod = *seen.pods[0];
  CHECK(pod.state == PodState::kKnown);
  CHECK(pod.identity.uid == "u1");
  CHECK(pod.identity.namespace_name == "shop");
  CHECK(pod.identity.deployment == "web");
  CHECK(pod.identity.sandbox_id == kPause);
  CHECK(pod.identity.containers.empty());
  REQUIRE(pod.Find(kApp) != nullptr);
  CHECK(*pod.Find(kApp) == Shown(kApp, "app", "shop/web:1"));
  REQUIRE(pod.Find(kPause) != nullptr);
  CHECK(pod.Find(kPause)->kind == ContainerKind::kSandbox);
  CHECK(pod.Find("other") == nullptr);
  CHECK(seen.unidentified == 0);
  CHECK(seen.messages.size() == 2);
  CHECK(node.probe.looks == 0);

  // Nothing new: nobody is asked, and the answer is the same object.
  const Resolution again = node.resolver.Resolve(node.pods);
  CHECK(again.pods[0] == seen.pods[0]);
  CHECK(again.messages.empty());
  CHECK(node.cri->fetches == 1);
}

TEST_CASE("Resolver: sources are asked at the start even on an empty node") {
  Node node;
  CHECK(node.resolver.Resolve({}).pods.empty());
  CHECK(node.resolver.Stats().at(0).up);
}

TEST_CASE("Resolver: unknown, asked again with growing waits, held back 30 s, then the fallback, then its name") {
  Node node;
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 0)})};
  std::vector<std::int64_t> asked_at_seconds;
  for (std::int64_t second = 0; second < 30; ++second) {
    const int before = node.cri->fetches;
    CAPTURE(second);
    CHECK(node.First().state == PodState::kHeldBack);
    if (node.cri->fetches > before) asked_at_seconds.push_back(second);
    node.clock.Advance(1'000);
  }
  CHECK(asked_at_seconds == std::vector<std::int64_t>{0, 1, 3, 7, 15});

  const Resolution seen = node.resolver.Resolve(node.pods);
  CHECK(seen.unidentified == 1);
  CHECK(seen.pods[0]->state == PodState::kUnidentified);
  CHECK(seen.pods[0]->identity.name == "u1");
  CHECK(seen.pods[0]->identity.uid == "u1");
  CHECK(seen.pods[0]->identity.namespace_name.empty());
  CHECK(seen.pods[0]->containers == std::vector{Shown(kApp, "aaaaaaaaaaaa")});

  node.cri->pods = {Named("u1", {{kApp, "app", "shop/web:1", {}}}, kPause)};
  node.clock.Advance(30'000);
  const ResolvedPod known = node.First();
  CHECK(known.state == PodState::kKnown);
  CHECK(known.containers == std::vector{Shown(kApp, "app", "shop/web:1")});
}

TEST_CASE("Resolver: not held back when no source works") {
  Node node;
  node.FailAll();
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 0)})};
  CHECK(node.First().state == PodState::kUnidentified);
  CHECK(node.First().containers == std::vector{Shown(kApp, "aaaaaaaaaaaa")});

  // What was shown is not held back again when a source comes back without knowing it.
  node.cri->error.reset();
  node.clock.Advance(1'000);
  CHECK(node.First().state == PodState::kUnidentified);
  CHECK(node.cri->fetches == 2);
  node.cri->pods = {Named("u1", {}, kPause)};
  node.clock.Advance(2'000);
  CHECK(node.First().state == PodState::kKnown);
}

TEST_CASE("Resolver: without any source") {
  FakeProbe probe;
  const test::FakeClock clock(0);
  Resolver resolver({}, probe, clock);
  probe.hints = {{9, {"pause", ""}}, {10, {"web", "app"}}};
  const std::vector<cgroup::Pod> pods = {PodCgroup("u1", {Cgroup(kApp, 10), Cgroup(kPause, 9)})};
  const Resolution seen = resolver.Resolve(pods);
  CHECK(seen.pods[0]->state == PodState::kUnidentified);
  CHECK(seen.unidentified == 1);
  CHECK(*seen.pods[0]->Find(kApp) == Shown(kApp, "app"));
  CHECK(seen.pods[0]->Find(kPause)->kind == ContainerKind::kSandbox);
  CHECK(resolver.Stats().empty());
  CHECK(resolver.container_runtime().empty());
}

TEST_CASE("Resolver: one source away, the other names; what was known stays") {
  Node node;
  node.cri->pods = {Named("u1", {{kApp, "app", "shop/web:1", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10), Cgroup(kPause, 9)})};
  CHECK(node.First().state == PodState::kKnown);

  node.cri->error = Error{ErrorCode::kTimeout, "no answer"};
  node.logs->pods = {Named("u1", {{"", "app", "", 5.0}}), Named("u2", {{"", "app", "", 6.0}})};
  node.probe.hints = {{20, {"web", ""}}};
  node.pods.push_back(PodCgroup("u2", {Cgroup(kProxy, 20)}));
  const Resolution seen = node.resolver.Resolve(node.pods);
  REQUIRE(seen.messages.size() == 1);
  CHECK(seen.messages[0].text == "identity source cri is away: no answer");
  CHECK(seen.pods[0]->identity.deployment == "web");
  CHECK(*seen.pods[0]->Find(kApp) == Shown(kApp, "app", "shop/web:1"));
  CHECK(seen.pods[1]->state == PodState::kKnown);
  CHECK(seen.pods[1]->identity.deployment.empty());
  CHECK(*seen.pods[1]->Find(kProxy) == Shown(kProxy, "app"));
  CHECK(node.resolver.Stats()[0].errors.at("timeout") == 1);

  // The better source is back: it is asked though nothing is unknown, and adds what the other did not know.
  node.cri->error.reset();
  node.cri->pods.push_back(Named("u2", {{kProxy, "app", "shop/web:2", {}}}, std::string(64, 'f')));
  node.clock.Advance(1'000);
  const Resolution later = node.resolver.Resolve(node.pods);
  CHECK(later.pods[1]->identity.deployment == "web");
  CHECK(*later.pods[1]->Find(kProxy) == Shown(kProxy, "app", "shop/web:2"));
}

TEST_CASE("Resolver: what the better source may still complete is held back") {
  Node node;
  node.logs->pods = {Named("u1", {{"", "app", "", 5.0}})};
  node.pods = {PodCgroup("u1", {Cgroup(kPause, 9)})};
  CHECK(node.First().state == PodState::kHeldBack);  // the runtime lists it only once its sandbox is ready
  node.cri->pods = {Named("u1", {}, kPause)};
  node.clock.Advance(1'000);
  CHECK(node.First().state == PodState::kKnown);
  CHECK(node.First().identity.deployment == "web");

  // A new container: known from its process, but the runtime will say which image it is.
  node.pods[0].containers.push_back(Cgroup(kApp, 10));
  node.probe.hints = {{10, {"web", "app"}}};
  CHECK(node.First().Find(kApp)->kind == ContainerKind::kHeldBack);
  CHECK(node.First().state == PodState::kKnown);
  node.clock.Advance(kHoldBackMs);
  CHECK(*node.First().Find(kApp) == Shown(kApp, "app"));
}

TEST_CASE("Resolver: a pod of which only podlogs knows, while cri works, is shown after the wait") {
  Node node;
  node.logs->pods = {Named("u1", {{"", "app", "", 5.0}})};
  node.probe.hints = {{10, {"web", ""}}};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10)})};
  CHECK(node.First().state == PodState::kHeldBack);
  node.clock.Advance(kHoldBackMs);
  CHECK(node.First().state == PodState::kKnown);
  CHECK(*node.First().Find(kApp) == Shown(kApp, "app"));
}

TEST_CASE("Resolver: a restarted container is asked about at once; what is gone is forgotten") {
  Node node;
  node.cri->pods = {Named("u1", {{kApp, "app", "shop/web:1", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10), Cgroup(kPause, 9)})};
  CHECK(node.First().state == PodState::kKnown);
  node.cri->pods = {Named("u1", {{kProxy, "app", "shop/web:2", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kProxy, 11), Cgroup(kPause, 9)})};
  const ResolvedPod pod = node.First();
  CHECK(node.cri->fetches == 2);
  CHECK(*pod.Find(kProxy) == Shown(kProxy, "app", "shop/web:2"));
  CHECK(pod.Find(kApp) == nullptr);

  // The pod goes, and the same UID comes again while no source lists it: it is unknown.
  CHECK(node.resolver.Resolve({}).pods.empty());
  node.cri->pods.clear();
  CHECK(node.First().state == PodState::kHeldBack);
}

TEST_CASE("Resolver: a pod that its source no longer lists keeps its name until its cgroup goes") {
  Node node;
  node.cri->pods = {Named("u1", {{kApp, "app", "shop/web:1", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10)})};
  const ResolvedPod before = node.First();
  node.cri->pods.clear();
  node.pods.push_back(PodCgroup("u2", {Cgroup(kProxy, 20)}));  // makes it ask
  const Resolution seen = node.resolver.Resolve(node.pods);
  CHECK(node.cri->fetches == 2);
  CHECK(*seen.pods[0] == before);
}

TEST_CASE("Resolver: a static pod's cgroup has the config hash, another's only its containers in common") {
  Node node;
  PodIdentity pod = Named("api-uid", {{kApp, "etcd", "etcd:3", {}}}, kPause);
  pod.config_hash = "hash";
  node.cri->pods = {pod};
  for (const std::string uid : {"hash", "something-else"}) {
    CAPTURE(uid);
    node.pods = {PodCgroup(uid, {Cgroup(kApp, 10)})};
    CHECK(node.First().state == PodState::kKnown);
    CHECK(node.First().identity.uid == "api-uid");
  }
}

TEST_CASE("Resolver: names without IDs are matched to cgroups") {
  Node node;
  node.cri->error = Error{ErrorCode::kNotFound, "no socket"};
  node.logs->pods = {Named("u1", {{"", "app", "", 99.0}, {"", "proxy", "", 100.0}})};
  node.pods = {PodCgroup("u1", {Cgroup(kProxy, 11, 100.1), Cgroup(kPause, 9, 98.0), Cgroup(kApp, 10, 99.1)})};

  SUBCASE("by the processes' mounts, whatever the order") {
    node.probe.hints = {{9, {"pause", ""}}, {10, {"x", "proxy"}}, {11, {"x", "app"}}};
    const ResolvedPod pod = node.First();
    CHECK(*pod.Find(kProxy) == Shown(kProxy, "app"));
    CHECK(*pod.Find(kApp) == Shown(kApp, "proxy"));
    CHECK(pod.Find(kPause)->kind == ContainerKind::kSandbox);
  }
  SUBCASE("by the one mount that is known, the other is what is left") {
    node.probe.hints = {{9, {"pause", ""}}, {10, {"x", "proxy"}}};
    CHECK(*node.First().Find(kProxy) == Shown(kProxy, "app"));
  }
  SUBCASE("by the order of their starts") {
    node.probe.hints = {{9, {"pause", ""}}};
    CHECK(*node.First().Find(kProxy) == Shown(kProxy, "proxy"));
    CHECK(*node.First().Find(kApp) == Shown(kApp, "app"));
  }
  SUBCASE("an app that is called pause has the kubelet's mount") {
    node.probe.hints = {{9, {"pause", ""}}, {10, {"pause", "app"}}};
    CHECK(*node.First().Find(kApp) == Shown(kApp, "app"));
    CHECK(*node.First().Find(kProxy) == Shown(kProxy, "proxy"));
  }
  SUBCASE("not while one of them may be the sandbox") {
    node.probe.hints = {{9, {"runc:[2:INIT]", ""}}, {10, {"web", ""}}};
    node.pods = {PodCgroup("u1", {Cgroup(kPause, 9, 98.0), Cgroup(kApp, 10, 99.1)})};
    node.logs->pods[0].containers.pop_back();
    CHECK(node.First().Find(kPause)->kind == ContainerKind::kHeldBack);
    node.probe.hints[9].comm = "pause";
    node.clock.Advance(1'000);
    CHECK(node.First().Find(kPause)->kind == ContainerKind::kSandbox);
    CHECK(*node.First().Find(kApp) == Shown(kApp, "app"));
  }
  SUBCASE("without a sandbox, when all have started") {
    node.probe.hints = {{10, {"web", ""}}, {11, {"envoy", ""}}};
    node.pods = {PodCgroup("u1", {Cgroup(kProxy, 11, 100.1), Cgroup(kApp, 10, 99.1)})};
    CHECK(*node.First().Find(kProxy) == Shown(kProxy, "proxy"));
  }
  SUBCASE("too many names: the ID after the wait, and the processes are left alone") {
    node.probe.hints = {{9, {"pause", ""}}, {10, {"web", ""}}};
    node.pods = {PodCgroup("u1", {Cgroup(kPause, 9, 98.0), Cgroup(kApp, 10, 99.1)})};
    CHECK(node.First().Find(kApp)->kind == ContainerKind::kHeldBack);
    node.clock.Advance(kHoldBackMs);
    CHECK(*node.First().Find(kApp) == Shown(kApp, "aaaaaaaaaaaa"));
    const int looks = node.probe.looks;
    CHECK(*node.First().Find(kApp) == Shown(kApp, "aaaaaaaaaaaa"));
    CHECK(node.probe.looks == looks);
  }
}

// As the API tells a pod: its containers' IDs come some time after they began, the sandbox's never.
PodIdentity FromApi(const std::string& uid, std::vector<ContainerIdentity> containers) {
  PodIdentity pod = Named(uid, std::move(containers), kPause);
  pod.sandbox_id.clear();
  return pod;
}

TEST_CASE("Resolver: a container's process and its pod's spec name it before the API knows its ID") {
  Node node;
  node.cri->pods = {FromApi("u1", {{"", "app", "shop/web:1", {}}, {"", "proxy", "proxy:1", {}}})};
  node.logs->pods = {Named("u1", {{"", "app", "", 99.0}, {"", "proxy", "", 100.0}})};
  node.probe.hints = {{9, {"pause", ""}}, {10, {"web", ""}}, {11, {"envoy", "proxy"}}};
  node.pods = {PodCgroup("u1", {Cgroup(kPause, 9), Cgroup(kApp, 10), Cgroup(kProxy, 11)})};
  const ResolvedPod first = node.First();
  CHECK(first.identity.deployment == "web");
  CHECK(first.Find(kPause)->kind == ContainerKind::kSandbox);
  CHECK(first.Find(kApp)->kind == ContainerKind::kHeldBack);  // not guessed: the API will tell
  CHECK(*first.Find(kProxy) == Shown(kProxy, "proxy", "proxy:1"));

  node.cri->pods = {FromApi("u1", {{kApp, "app", "shop/web:1", {}}, {"", "proxy", "proxy:1", {}}})};
  ++node.cri->news;
  CHECK(*node.First().Find(kApp) == Shown(kApp, "app", "shop/web:1"));

  // It restarts with another image while the API still has the old container's ID.
  const std::string again(64, 'c');
  node.pods[0].containers[1] = Cgroup(again, 12);
  node.probe.hints[12] = {"web", "app"};
  node.cri->pods[0].containers[0].image = "shop/web:2";
  ++node.cri->news;
  CHECK(*node.First().Find(again) == Shown(again, "app", "shop/web:2"));
}

TEST_CASE("Resolver: what a source has to tell shows at once") {
  Node node;
  node.cri->pods = {FromApi("u1", {{kApp, "app", "shop/web:1", {}}})};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10)}), PodCgroup("u2", {Cgroup(kProxy, 11)})};
  CHECK(node.First().identity.deployment == "web");
  CHECK(node.First().state == PodState::kKnown);

  node.cri->pods[0].deployment.clear();
  node.cri->pods[0].workload = "web-5d4f";
  node.cri->pods[0].workload_type = "replicaset";
  CHECK(node.First().identity.deployment == "web");  // nothing says that there is news
  ++node.cri->news;
  CHECK(node.First().identity.deployment.empty());
  CHECK(node.First().identity.workload == "web-5d4f");

  node.cri->pods.push_back(FromApi("u2", {{kProxy, "proxy", "proxy:1", {}}}));
  CHECK(node.resolver.Resolve(node.pods).pods[1]->state == PodState::kHeldBack);
  ++node.cri->news;
  CHECK(node.resolver.Resolve(node.pods).pods[1]->state == PodState::kKnown);

  node.cri->pods.clear();  // deleted, and its processes are still ending
  ++node.cri->news;
  CHECK(node.First().identity.workload == "web-5d4f");
  CHECK(*node.First().Find(kApp) == Shown(kApp, "app", "shop/web:1"));
}

TEST_CASE("Resolver: the same UID or container twice in a scan") {
  Node node;
  node.cri->pods = {Named("u1", {{kApp, "app", "", {}}}, kPause)};
  node.pods = {PodCgroup("u1", {Cgroup(kApp, 10), Cgroup(kApp, 10)}), PodCgroup("u1", {Cgroup(kProxy, 11)})};
  for (const bool same_path : {false, true}) {
    CAPTURE(same_path);
    if (!same_path) node.pods[1].cgroup_path = "/old" + node.pods[1].cgroup_path;
    if (same_path) node.pods[1].cgroup_path = node.pods[0].cgroup_path;
    const Resolution seen = node.resolver.Resolve(node.pods);
    REQUIRE(seen.pods.size() == 2);
    CHECK(seen.pods[0]->identity.name == "web-u1");
    CHECK(seen.pods[1]->identity.name == "web-u1");
  }
}

}  // namespace
}  // namespace cloudmon::identity
