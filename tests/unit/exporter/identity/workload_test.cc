// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/workload.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::identity {
namespace {

Workload Of(std::string_view type, std::string_view name) {
  return {.deployment = std::string(type == "deployment" ? name : ""),
          .name = std::string(name),
          .type = std::string(type)};
}

TEST_CASE("DeploymentOfReplicaSet") {
  const auto f = [](std::string_view replica_set, std::string_view hash, std::string_view want) {
    CAPTURE(replica_set);
    CAPTURE(hash);
    CHECK(DeploymentOfReplicaSet(replica_set, hash) == want);
  };
  f("web-5d4f8c7b9", "5d4f8c7b9", "web");
  f("web-5d4f8c7b9-84b8", "84b8", "web-5d4f8c7b9");
  f("a-b-c-x", "x", "a-b-c");
  f("web-5d4f8c7b9", "5d4f8c7b", "");
  f("web-5d4f8c7b9", "d4f8c7b9", "");
  f("web-5d4f8c7b9", "", "");
  f("web-", "", "");
  f("web", "", "");
  f("-5d4f", "5d4f", "");
  f("5d4f", "5d4f", "");
  f("", "", "");
}

TEST_CASE("WorkloadFromLabels: pod-template-hash") {
  const auto f = [](std::string_view pod, std::string_view hash, std::string_view deployment) {
    CAPTURE(pod);
    CAPTURE(hash);
    const Workload want = deployment.empty() ? Workload{} : Of("deployment", deployment);
    CHECK(WorkloadFromLabels(pod, {{"pod-template-hash", std::string(hash)}}, {}) == want);
  };
  const std::string digits = "5d4f8c7b96";
  for (std::size_t length = 1; length <= digits.size(); ++length) {
    const std::string hash = digits.substr(0, length);
    f("web-" + hash + "-x2x4z", hash, "web");
    f("my-web-shop-" + hash + "-x2x4z", hash, "my-web-shop");
  }
  // Names that look like what comes after them.
  f("web-5d4f8c7b9-84b8f-x2x4z", "84b8f", "web-5d4f8c7b9");
  f("5d4f8c7b9-5d4f8c7b9-5d4f8", "5d4f8c7b9", "5d4f8c7b9");
  f("web-x2x4z-5d4f8c7b9-x2x4z", "5d4f8c7b9", "web-x2x4z");
  f("web.v2-5d4f8c7b9-x2x4z", "5d4f8c7b9", "web.v2");
  // Another pod's labels.
  f("web-5d4f8c7b9-x2x4z", "84b8f", "");
  f("web-5d4f8c7b9", "5d4f8c7b9", "");
  f("5d4f8c7b9-x2x4z", "5d4f8c7b9", "");
  f("web", "5d4f8c7b9", "");
  f("", "5d4f8c7b9", "");
}

TEST_CASE("WorkloadFromLabels: names cut at 63 characters") {
  const std::string hash = "5d4f8c7b96";
  const auto pod = [&](std::size_t deployment_length) {
    const std::string prefix = std::string(deployment_length, 'd') + "-" + hash + "-";
    return prefix.substr(0, 58) + "x2x4z";
  };
  for (std::size_t length = 1; length <= 65; ++length) {
    CAPTURE(length);
    const Workload got = WorkloadFromLabels(pod(length), {{"pod-template-hash", hash}}, {});
    if (length <= 53) {  // at least four characters of the hash are left
      CHECK(got == Of("deployment", std::string(length, 'd')));
    } else {
      CHECK(got == Workload{});
    }
  }
  // Of full length, but what should be the hash's beginning is not.
  CHECK(WorkloadFromLabels(pod(50), {{"pod-template-hash", "84b8f"}}, {}) == Workload{});
}

TEST_CASE("WorkloadFromLabels: other controllers") {
  const auto f = [](std::string_view pod, const StringMap& labels, const Workload& want) {
    CAPTURE(pod);
    CHECK(WorkloadFromLabels(pod, labels, {}) == want);
  };
  const std::string revision = "controller-revision-hash";
  f("db-0", {{"statefulset.kubernetes.io/pod-name", "db-0"}}, Of("statefulset", "db"));
  f("my-db-12", {{"statefulset.kubernetes.io/pod-name", "my-db-12"}}, Of("statefulset", "my-db"));
  f("db-3", {{"apps.kubernetes.io/pod-index", "3"}, {revision, "db-7c9"}}, Of("statefulset", "db"));
  f("db-3", {{"apps.kubernetes.io/pod-index", "4"}, {revision, "db-7c9"}}, {});
  f("db-1", {{"statefulset.kubernetes.io/pod-name", "db-0"}}, {});
  f("db", {{"statefulset.kubernetes.io/pod-name", "db"}}, {});
  f("db-x", {{"statefulset.kubernetes.io/pod-name", "db-x"}}, {});

  const StringMap daemon = {{revision, "6b8f"}, {"pod-template-generation", "1"}};
  f("node-agent-x2x4z", daemon, Of("daemonset", "node-agent"));
  f("node-agent", daemon, Of("daemonset", "node"));  // five characters, as the labels say
  f("node-agent-x2", daemon, {});
  f("agent", daemon, {});
  f(std::string(57, 'd') + "-x2x4z", daemon, {});  // may be the beginning of a longer name
  f(std::string(56, 'd') + "-x2x4z", daemon, Of("daemonset", std::string(56, 'd')));

  f("import-28391230-abcde", {{"batch.kubernetes.io/job-name", "import-28391230"}}, Of("job", "import-28391230"));
  f("import-abcde", {{"job-name", "import"}}, Of("job", "import"));
  f("x", {{revision, "6b8f"}}, {});  // another controller's

  f("alone", {}, Of("pod", "alone"));
  f("alone-5d4f8c7b9-x2x4z", {{"app", "alone"}}, Of("pod", "alone-5d4f8c7b9-x2x4z"));
  f("alone", {{"pod-template-hash", ""}}, Of("pod", "alone"));
}

TEST_CASE("WorkloadFromLabels: static pods") {
  const auto f = [](std::string_view source, const Workload& want) {
    CAPTURE(source);
    CHECK(WorkloadFromLabels("etcd-node1", {}, {{"kubernetes.io/config.source", std::string(source)}}) == want);
  };
  f("file", Of("static", "etcd-node1"));
  f("http", Of("static", "etcd-node1"));
  f("api", Of("pod", "etcd-node1"));
}

TEST_CASE("ConfigHash") {
  const auto f = [](std::string_view hash, std::string_view want) {
    CAPTURE(hash);
    CHECK(ConfigHash({{"kubernetes.io/config.hash", std::string(hash)}}) == want);
  };
  f("2a6f0e3d4c5b6a79880f1e2d3c4b5a69", "2a6f0e3d4c5b6a79880f1e2d3c4b5a69");
  f("0f0c9f4e-1f6b-4e39-8e57-1d2c3b4a5f60", "");  // another pod's UID
  f("", "");
  CHECK(ConfigHash({}).empty());
}

TEST_CASE("WorkloadFromOwners") {
  const auto f = [](const StringMap& labels, const std::vector<OwnerReference>& owners, const Workload& want) {
    CAPTURE(want.name);
    CHECK(WorkloadFromOwners("the-pod", labels, owners, std::nullopt) == want);
  };
  const StringMap hash = {{"pod-template-hash", "5d4f"}};
  f(hash, {{"ReplicaSet", "web-5d4f", true}}, Of("deployment", "web"));
  f(hash, {{"ReplicaSet", "web-84b8", true}}, Of("replicaset", "web-84b8"));
  f({}, {{"ReplicaSet", "web-5d4f", true}}, Of("replicaset", "web-5d4f"));
  f(hash, {{"ReplicaSet", "web-5d4f", false}}, Of("pod", "the-pod"));
  f(hash, {{"Other", "x", false}, {"ReplicaSet", "web-5d4f", true}}, Of("deployment", "web"));
  f({}, {{"StatefulSet", "db", true}}, Of("statefulset", "db"));
  f({}, {{"DaemonSet", "agent", true}}, Of("daemonset", "agent"));
  f({}, {{"Job", "import", true}}, Of("job", "import"));
  f({}, {{"Job", "import-2024", true}}, Of("job", "import-2024"));
  f({}, {{"Node", "node1", true}}, Of("static", "the-pod"));
  f({}, {{"Rollout", "canary", true}}, Of("rollout", "canary"));
  f({}, {}, Of("pod", "the-pod"));
}

TEST_CASE("WorkloadFromOwners: a CronJob's Job ends in the minute of its schedule") {
  const auto f = [](std::string_view job, std::optional<std::int64_t> created_seconds, const Workload& want) {
    CAPTURE(job);
    CHECK(WorkloadFromOwners("the-pod", {}, std::vector<OwnerReference>{{"Job", std::string(job), true}},
                             created_seconds) == want);
  };
  const std::int64_t minute = 29'912'345;
  const std::int64_t created = minute * 60 + 2;
  f("import-29912345", created, Of("cronjob", "import"));
  f("my-import-2-29912345", created, Of("cronjob", "my-import-2"));
  f("import-29912345", created - 60, Of("cronjob", "import"));  // the pod's clock is behind
  f("import-29912345", created - 120, Of("job", "import-29912345"));
  f("import-29912345", created + 29 * 86'400, Of("cronjob", "import"));  // retried for long
  f("import-29912345", created + 31 * 86'400, Of("job", "import-29912345"));
  f("import-29912345", std::nullopt, Of("job", "import-29912345"));
  f("backup-20261115", created, Of("job", "backup-20261115"));    // a date
  f("build-1794740700", created, Of("job", "build-1794740700"));  // a time in seconds
  f("build-999999999999999999999", created, Of("job", "build-999999999999999999999"));
  f("build-9223372036854775807", created, Of("job", "build-9223372036854775807"));
  f("import--29912345", created, Of("cronjob", "import-"));
  f("29912345", created, Of("job", "29912345"));
  f("-29912345", created, Of("job", "-29912345"));
}

}  // namespace
}  // namespace cloudmon::identity
