// SPDX-License-Identifier: Apache-2.0
// Which workload (Deployment, StatefulSet, ...) a pod belongs to. Exact hints only: a pod's name alone tells nothing.
// Pure; safe to call from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cloudmon::identity {

using StringMap = std::map<std::string, std::string, std::less<>>;  // labels or annotations

struct Workload {
  std::string deployment;  // empty unless type is "deployment"
  std::string name, type;  // kubernetes-mixin's workload and workload_type; both empty where unknown
  bool operator==(const Workload&) const = default;
};

struct OwnerReference {
  std::string kind;  // "ReplicaSet"
  std::string name;
  bool controller = false;
};

// The Deployment of a ReplicaSet: "web-5d4f8c7b9" with pod-template-hash "5d4f8c7b9" is "web". Empty where the
// ReplicaSet's name does not end in the hash, and where the hash is empty. The result points into `replica_set`.
[[nodiscard]] std::string_view DeploymentOfReplicaSet(std::string_view replica_set, std::string_view pod_template_hash);

// Whether the kubelet has the pod from a file or a web server of its own, not from the API.
[[nodiscard]] bool IsStatic(const StringMap& annotations);

// What a static pod's cgroup has as its UID (annotation kubernetes.io/config.hash); empty where there is none. What has
// dashes is none, but the form of other pods' UIDs: anyone may write annotations, and such a one would name another
// pod's cgroup.
[[nodiscard]] std::string ConfigHash(const StringMap& annotations);

// From the API: the owner with controller=true decides, and pod-template-hash tells a Deployment's ReplicaSet from a
// bare one. A pod without such an owner is its own workload, of type "pod". Owners of other kinds give their kind in
// lower case. A Job is a CronJob's where its name ends in the minute (since 1970) for which it was scheduled: a time in
// the 30 days before `created_seconds` (Unix time at which the pod was made). Other digits, such as a date, are a name.
[[nodiscard]] Workload WorkloadFromOwners(std::string_view pod_name, const StringMap& labels,
                                          std::span<const OwnerReference> owners,
                                          std::optional<std::int64_t> created_seconds);

// From what the container runtime knows, which is labels and annotations but no owners. A Job stays a Job: its CronJob
// cannot be told. Labels that contradict the pod's name give an unknown workload; a pod without any controller's label
// is its own workload, of type "pod".
[[nodiscard]] Workload WorkloadFromLabels(std::string_view pod_name, const StringMap& labels,
                                          const StringMap& annotations);

}  // namespace cloudmon::identity
