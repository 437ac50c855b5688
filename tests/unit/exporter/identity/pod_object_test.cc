// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/pod_object.h"

#include <doctest/doctest.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/utf8.h"
#include "tests/support/files.h"

namespace cloudmon::identity {
namespace {

using nlohmann::json;

const json& Pods() {
  static const json kPods = json::parse(test::ReadText("tests/testdata/pods.json"));
  return kPods;
}

// "shop/db-0 statefulset db; db 866e10 postgres:16": of IDs the first six digits, "host" for the host's network.
std::string Line(const PodIdentity& pod) {
  std::string line = pod.namespace_name + "/" + pod.name + " " + pod.workload_type + " " + pod.workload;
  if (!pod.deployment.empty()) line += " =" + pod.deployment;
  if (!pod.config_hash.empty()) line += " hash";
  if (pod.host_network.value_or(false)) line += " host";
  for (const ContainerIdentity& c : pod.containers) line += "; " + c.name + " " + c.id.substr(0, 6) + " " + c.image;
  return line;
}

TEST_CASE("PodFromObject: pods as the API server has them") {
  struct Case {
    const char* name;
    std::string_view want;
  };
  const Case table[] = {
      {"deployment",
       "shop/web-5d4f8c7b96-x2x4z deployment web =web; app 60e08b registry.example:5000/shop/web:1.4.2; "
       "log-sidecar 146afa registry.example:5000/tools/log:2"},
      {"rollout of the next replica set",
       "shop/web-79c5d8f6b-q8w5t deployment web =web; app  registry.example:5000/shop/web:1.5.0"},
      {"hash of 1", "shop/api-7-q9x2d deployment api =api; app b457df api"},
      {"hash of 2", "shop/api-5f-q9x2d deployment api =api; app 278a51 api"},
      {"hash of 3", "shop/api-8d6-q9x2d deployment api =api; app 0244bf api"},
      {"hash of 4", "shop/api-bc8d-q9x2d deployment api =api; app c5d7d5 api"},
      {"hash of 5", "shop/api-79c5d-q9x2d deployment api =api; app 0e4846 api"},
      {"hash of 6", "shop/api-6d4cf5-q9x2d deployment api =api; app 2cf25d api"},
      {"hash of 7", "shop/api-7d9c6b8-q9x2d deployment api =api; app 4ef3f8 api"},
      {"hash of 8", "shop/api-85b7d4f6-q9x2d deployment api =api; app 002b4e api"},
      {"hash of 9", "shop/api-6f7d9c5b8-q9x2d deployment api =api; app f63864 api"},
      {"hash of 10", "shop/api-5d4f8c7b96-q9x2d deployment api =api; app 51cdf6 api"},
      {"deployment whose name ends like a hash",
       "shop/cart-5d4f8c7b9-6b8-x7k2p deployment cart-5d4f8c7b9 =cart-5d4f8c7b9; app 631544 cart:3"},
      {"replica set cut at 63 characters",
       "shop/a-deployment-with-a-very-long-name-that-the-api-server-cuts-ofx2x4z deployment "
       "a-deployment-with-a-very-long-name-that-the-api-server-cuts-off "
       "=a-deployment-with-a-very-long-name-that-the-api-server-cuts-off; app 75a897 long"},
      {"bare replica set", "shop/cache-5d4f8-x2x4z replicaset cache-5d4f8; redis 0b9dd4 redis:7"},
      {"replica set of a custom controller", "shop/pay-6f9c5d8b7-k4m2x replicaset pay-6f9c5d8b7; app 881d4b pay:1"},
      {"custom controller", "shop/canary-0 rollout canary; app 55fa69 canary:1"},
      {"controller is the second owner", "shop/db-1 statefulset db; db c4b8da postgres:16"},
      {"stateful set",
       "shop/db-0 statefulset db; db 866e10 "
       "postgres:16@sha256:d80dc0a202c84e8fa4dcb3023143dff30cb5d99dae8c4731d84dab05aab52efb"},
      {"daemon set", "kube-system/log-agent-x7k2p daemonset log-agent; agent d14ee2 agent:1"},
      {"job", "batch/import-x7k2p job import; import 61b19d import:1"},
      {"cron job", "batch/report-29919375-x7k2p cronjob report; report 82ef7d report:1"},
      {"job named after a date", "batch/backup-20261120-x7k2p job backup-20261120; backup 178c04 backup:1"},
      {"succeeded", "batch/import-2-m4n8b job import-2; import 9cfc19 import:1"},
      {"mirror of a static pod",
       "kube-system/kube-scheduler-node-a static kube-scheduler-node-a hash host; "
       "kube-scheduler fc04e3 registry.k8s.example/kube-scheduler:v1.33.1"},
      {"static pod as the kubelet has it",
       "kube-system/etcd-node-a static etcd-node-a hash host; etcd 0b4e97 registry.k8s.example/etcd:3.5"},
      {"bare pod", "shop/debug-shell pod debug-shell; shell 06c163 busybox"},
      {"without labels", "default/probe pod probe; probe c0d4ad probe:1"},
      {"annotated as if static", "shop/web-fake pod web-fake; app 51e288 web:1"},
      {"in the network of the host", "kube-system/cni-h3j4k daemonset cni host; cni 049370 cni:1"},
      {"init containers and a sidecar",
       "shop/mail-5d4f8c7b9-m4n8b deployment mail =mail; mail 08c90c mail:2; setup 2be1f7 setup:1; "
       "proxy 29f7cd proxy:1.29"},
      {"ephemeral container",
       "shop/web-5d4f8c7b96-zk2lp deployment web =web; app e62d09 web:1; debugger-7n2xk c60d9e busybox:1.36"},
      {"crash loop", "shop/leaky-79c5d8-h3j4k deployment leaky =leaky; app 2040bb leaky:1"},
      {"restarted", "shop/flaky-79c5d8-h3j4k deployment flaky =flaky; app 4ea910 flaky:1"},
      {"pending without statuses", "shop/web-79c5d8f6b-p6r3s deployment web =web; app  web:1"},
      {"CRI-O", "shop/web-crio-0 statefulset web-crio; app 349eac web:1"},
      {"dockerd", "shop/web-docker-0 statefulset web-docker; app 279bae web:1"},
      {"terminating", "shop/web-5d4f8c7b96-v9t5r deployment web =web; app 8f3fdf web:1"},
      {"evicted", "shop/web-5d4f8c7b96-evict deployment web =web; app  web:1"},
      {"odd container IDs", "shop/odd-0 statefulset odd; a  a:1; b  b:1; c  c:1; d 18ac3e d:1; e 3f79bb "},
  };
  CHECK(std::size(table) == Pods().size());
  for (const Case& c : table) {
    CAPTURE(c.name);
    const auto pod = PodFromObject(Pods().at(c.name));
    REQUIRE(pod.has_value());
    CHECK(Line(*pod) == c.want);
    CHECK(pod->uid == UidOfObject(Pods().at(c.name)));
    CHECK(pod->host_network.has_value());
    for (const ContainerIdentity& container : pod->containers) {
      CHECK((container.id.empty() || container.id.size() == 64));
    }
  }
}

TEST_CASE("PodFromObject: what a pod must have") {
  const json& good = Pods().at("deployment");
  for (const char* key : {"uid", "namespace", "name"}) {
    for (const json& bad : {json(), json(7), json(""), json::array()}) {
      CAPTURE(key);
      CAPTURE(bad);
      json pod = good;
      pod["metadata"][key] = bad;
      CHECK(!PodFromObject(pod));
    }
  }
  for (const json& bad : {json(), json(7), json("pod"), json::array(), json::object()}) {
    CAPTURE(bad);
    CHECK(!PodFromObject(bad));
    CHECK(UidOfObject(bad).empty());
  }
  const json least = {{"metadata", {{"uid", "u"}, {"namespace", "n"}, {"name", "p"}}}};
  REQUIRE(PodFromObject(least));
  CHECK(Line(*PodFromObject(least)) == "n/p pod p");
  CHECK(!PodFromObject(least)->host_network);
}

TEST_CASE("PodFromObject: any field may be missing or of another type") {
  const std::vector<json> replacements = {json(),         json(true),     json(-7),
                                          json(1.5),      json("x"),      json::array(),
                                          json::object(), json{{"x", 1}}, json{json(), 7, "x", json::object()}};
  std::size_t named = 0;
  for (const char* name : {"deployment", "mirror of a static pod", "cron job", "init containers and a sidecar"}) {
    const json& pod = Pods().at(name);
    const json flat = pod.flatten();
    std::set<std::string> paths;  // of leaves and all above them
    for (const auto& [path, value] : flat.items()) {
      for (json::json_pointer at(path); !at.empty(); at.pop_back()) paths.insert(at.to_string());
    }
    for (const std::string& path : paths) {
      for (const json& replacement : replacements) {
        json broken = pod;
        broken[json::json_pointer(path)] = replacement;
        if (PodFromObject(broken)) ++named;
      }
    }
  }
  CHECK(named > 1'000);  // and none of them crashed
}

TEST_CASE("PodFromObject: invalid UTF-8 is replaced on entry") {
  json pod = Pods().at("deployment");
  const std::string bad = "\xC3(\xFF";
  pod["metadata"]["name"] = bad;
  pod["metadata"]["namespace"] = bad;
  pod["metadata"]["labels"]["pod-template-hash"] = bad;
  pod["metadata"]["ownerReferences"][0]["name"] = "web-" + bad;
  pod["spec"]["containers"][0]["name"] = bad;
  pod["spec"]["containers"][0]["image"] = bad;
  pod["status"]["containerStatuses"][0]["name"] = bad;
  const auto identity = PodFromObject(pod);
  REQUIRE(identity);
  const std::string clean = SanitizeUtf8(bad);
  CHECK(identity->namespace_name == clean);
  CHECK(identity->name == clean);
  CHECK(identity->deployment == "web");
  CHECK(identity->containers[0].name == clean);
  CHECK(identity->containers[0].id.starts_with("60e08b"));
  CHECK(identity->containers[0].image == clean);
}

}  // namespace
}  // namespace cloudmon::identity
