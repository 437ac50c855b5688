// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/pod_table.h"

#include <doctest/doctest.h>

namespace cloudmon::identity {
namespace {

PodIdentity CriPod() {
  PodIdentity pod;
  pod.uid = "u1";
  pod.namespace_name = "shop";
  pod.name = "web-5d4f-x";
  pod.deployment = pod.workload = "web";
  pod.workload_type = "deployment";
  pod.sandbox_id = "s1";
  pod.containers = {{"c1", "app", "shop/web:1", {}}, {"c2", "proxy", "", {}}};
  return pod;
}

PodIdentity LogsPod() {
  PodIdentity pod;
  pod.uid = "u1";
  pod.namespace_name = "shop";
  pod.name = "web-5d4f-x";
  pod.containers = {{"", "app", "", 100.0}, {"", "setup", "", 90.0}};
  return pod;
}

TEST_CASE("FillGaps: the first source wins, the second fills") {
  PodIdentity pod = CriPod();
  PodIdentity other = LogsPod();
  other.namespace_name = "other";
  other.host_network = true;
  other.deployment = "wrong";
  other.workload_type = "deployment";
  FillGaps(pod, other);
  PodIdentity want = CriPod();
  want.host_network = true;
  want.containers[0].log_birth_seconds = 100.0;
  want.containers.push_back({"", "setup", "", 90.0});
  CHECK(pod == want);
}

TEST_CASE("FillGaps: a source with IDs after one without") {
  PodIdentity pod = LogsPod();
  FillGaps(pod, CriPod());
  CHECK(pod.deployment == "web");
  CHECK(pod.sandbox_id == "s1");
  REQUIRE(pod.containers.size() == 3);
  CHECK(pod.containers[0] == ContainerIdentity{"c1", "app", "shop/web:1", 100.0});
  CHECK(pod.containers[1].name == "setup");
  CHECK(pod.containers[2].id == "c2");
}

TEST_CASE("FillGaps: a restarted container is another one") {
  PodIdentity pod = CriPod();
  PodIdentity other = CriPod();
  other.containers[0].id = "c9";
  FillGaps(pod, other);
  REQUIRE(pod.containers.size() == 3);
  CHECK(pod.containers[2].id == "c9");
}

TEST_CASE("FillGaps: the workload is taken whole") {
  PodIdentity pod = LogsPod();
  pod.workload_type = "statefulset";
  pod.workload = "db";
  FillGaps(pod, CriPod());
  CHECK(pod.deployment.empty());
  CHECK(pod.workload == "db");
}

TEST_CASE("PodTable: finds by UID, container and sandbox") {
  const PodTable table({{1, {CriPod()}}, {3, {LogsPod()}}});
  const PodTable::Row* row = table.FindPod("u1");
  REQUIRE(row != nullptr);
  CHECK(row->source == 1);
  CHECK(row->pod.containers.size() == 3);
  CHECK(table.FindContainer("c1") == row);
  CHECK(table.FindContainer("c2") == row);
  CHECK(table.FindContainer("s1") == row);
  CHECK(table.FindPod("u2") == nullptr);
  CHECK(table.FindPod("") == nullptr);
  CHECK(table.FindContainer("") == nullptr);
  CHECK(table.FindContainer("u1") == nullptr);
  CHECK(PodTable().FindPod("u1") == nullptr);
}

TEST_CASE("PodTable: a pod that only a later source lists") {
  PodIdentity other = LogsPod();
  other.uid = "u2";
  const PodTable table({{0, {CriPod()}}, {1, {other}}});
  REQUIRE(table.FindPod("u2") != nullptr);
  CHECK(table.FindPod("u2")->source == 1);
  CHECK(table.FindPod("u1")->source == 0);
}

// The API's UID differs from the one in the cgroup's name, which is the config hash.
TEST_CASE("PodTable: static pods") {
  PodIdentity api = CriPod();
  api.uid = "api-uid";
  api.config_hash = "hash";
  PodIdentity logs = LogsPod();
  logs.uid = "hash";
  for (const bool api_first : {true, false}) {
    CAPTURE(api_first);
    const PodTable table(api_first ? std::vector<Answer>{{0, {api}}, {1, {logs}}}
                                   : std::vector<Answer>{{0, {logs}}, {1, {api}}});
    const PodTable::Row* row = table.FindPod("hash");
    REQUIRE(row != nullptr);
    CHECK(table.FindPod("api-uid") == row);
    CHECK(row->source == 0);
    CHECK(row->pod.uid == "api-uid");
    CHECK(row->pod.config_hash == "hash");
    CHECK(row->pod.deployment == "web");
    CHECK(row->pod.containers.size() == 3);
  }
}

TEST_CASE("PodTable: two sandboxes of one pod in one answer") {
  PodIdentity older = CriPod();
  older.sandbox_id = "s0";
  older.containers = {{"c0", "app", "shop/web:1", {}}};
  const PodTable table({{0, {CriPod(), older}}});
  REQUIRE(table.FindPod("u1") != nullptr);
  CHECK(table.FindPod("u1")->pod.sandbox_id == "s1");
  CHECK(table.FindContainer("c0") == table.FindPod("u1"));
}

}  // namespace
}  // namespace cloudmon::identity
