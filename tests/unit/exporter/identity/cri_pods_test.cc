// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/cri_pods.h"

#include <doctest/doctest.h>

namespace cloudmon::identity {
namespace {

cri::PodSandbox* AddSandbox(cri::ListPodSandboxResponse& list, const std::string& id, const std::string& uid) {
  cri::PodSandbox* sandbox = list.add_items();
  sandbox->set_id(id);
  sandbox->mutable_metadata()->set_uid(uid);
  sandbox->mutable_metadata()->set_name("web-5d4f-x2x4z");
  sandbox->mutable_metadata()->set_namespace_("shop");
  (*sandbox->mutable_labels())["pod-template-hash"] = "5d4f";
  return sandbox;
}

cri::Container* AddContainer(cri::ListContainersResponse& list, const std::string& id, const std::string& sandbox) {
  cri::Container* container = list.add_containers();
  container->set_id(id);
  container->set_pod_sandbox_id(sandbox);
  container->mutable_metadata()->set_name("app");
  container->mutable_image()->set_image("sha256:1234");
  container->set_state(kContainerRunning);
  return container;
}

TEST_CASE("BuildPods") {
  cri::ListPodSandboxResponse sandboxes;
  AddSandbox(sandboxes, "s1", "u1");
  AddSandbox(sandboxes, "s2", "u2")->set_state(1);  // not ready
  AddSandbox(sandboxes, "s3", "");
  cri::ListContainersResponse containers;
  AddContainer(containers, "c1", "s1");
  AddContainer(containers, "c2", "s1")->mutable_image()->set_user_specified_image("shop/web:2");
  AddContainer(containers, "c3", "s1")->set_state(2);  // exited
  AddContainer(containers, "c4", "nowhere");
  const auto pods = BuildPods(sandboxes, containers, {{"s1", true}}, {{"sha256:1234", "shop/web:1"}});
  REQUIRE(pods.size() == 1);
  PodIdentity want;
  want.uid = "u1";
  want.namespace_name = "shop";
  want.name = "web-5d4f-x2x4z";
  want.deployment = want.workload = "web";
  want.workload_type = "deployment";
  want.sandbox_id = "s1";
  want.host_network = true;
  want.containers = {{"c1", "app", "shop/web:1", {}}, {"c2", "app", "shop/web:2", {}}};
  CHECK(pods[0] == want);
}

TEST_CASE("BuildPods: the newest sandbox first, static pods, unknown host network, invalid UTF-8") {
  cri::ListPodSandboxResponse sandboxes;
  AddSandbox(sandboxes, "old", "u1")->set_created_at(1);
  cri::PodSandbox* sandbox = AddSandbox(sandboxes, "new", "u1");
  sandbox->set_created_at(2);
  sandbox->mutable_metadata()->set_name("etcd-n\xff");
  (*sandbox->mutable_annotations())["kubernetes.io/config.hash"] = "hash";
  (*sandbox->mutable_annotations())["kubernetes.io/config.source"] = "file";
  const auto pods = BuildPods(sandboxes, {}, {}, {});
  REQUIRE(pods.size() == 2);
  CHECK(pods[0].sandbox_id == "new");
  CHECK(pods[0].name == "etcd-n\xEF\xBF\xBD");
  CHECK(pods[0].config_hash == "hash");
  CHECK(pods[0].workload_type == "static");
  CHECK(!pods[0].host_network);
}

TEST_CASE("BuildImageNames") {
  cri::ListImagesResponse images;
  cri::Image* tagged = images.add_images();
  tagged->set_id("sha256:1");
  tagged->add_repo_tags("shop/web:1");
  tagged->add_repo_digests("shop/web@sha256:9");
  cri::Image* digest = images.add_images();
  digest->set_id("sha256:2");
  digest->add_repo_digests("shop/db@sha256:8");
  images.add_images()->set_id("sha256:3");
  CHECK(BuildImageNames(images) ==
        StringMap{{"sha256:1", "shop/web:1"}, {"sha256:2", "shop/db@sha256:8"}, {"sha256:3", "sha256:3"}});
  CHECK(IsImageId("sha256:1"));
  CHECK(!IsImageId("shop/db@sha256:8"));
}

// Answers with bytes that are no answer: refused or read as far as they go, never a crash.
TEST_CASE("Messages: cut short and garbage") {
  cri::ListPodSandboxResponse sandboxes;
  AddSandbox(sandboxes, "s1", "u1");
  const std::string bytes = sandboxes.SerializeAsString();
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    CAPTURE(length);
    cri::ListPodSandboxResponse parsed;
    CHECK(!parsed.ParseFromString(bytes.substr(0, length)));
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string broken = bytes;
    broken[at] = '\xff';
    cri::ListPodSandboxResponse parsed;
    if (parsed.ParseFromString(broken)) CHECK(BuildPods(parsed, {}, {}, {}).size() <= 1);
  }
}

}  // namespace
}  // namespace cloudmon::identity
