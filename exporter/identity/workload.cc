// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/workload.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include "common/text.h"

namespace cloudmon::identity {
namespace {

constexpr std::string_view kTemplateHash = "pod-template-hash";
constexpr std::string_view kRevisionHash = "controller-revision-hash";
constexpr std::string_view kTemplateGeneration = "pod-template-generation";
constexpr std::string_view kStatefulSetPodName = "statefulset.kubernetes.io/pod-name";
constexpr std::string_view kPodIndex = "apps.kubernetes.io/pod-index";
constexpr std::string_view kJobName = "batch.kubernetes.io/job-name";
constexpr std::string_view kOldJobName = "job-name";
constexpr std::string_view kConfigSource = "kubernetes.io/config.source";
constexpr std::string_view kConfigHash = "kubernetes.io/config.hash";

// The API server makes a pod's name from a prefix, cut to 58 characters, and 5 random ones.
constexpr std::size_t kRandomLength = 5;
constexpr std::size_t kLongestPrefix = 58;
// A prefix that was cut must still show this much of the hash: with less, a name that was itself cut could end in the
// same characters by chance.
constexpr std::size_t kLeastHash = 4;
// A CronJob names its Jobs <cronjob>-<scheduled minute since 1970>. The pod is made after that minute, but for clocks
// that differ; much later where an earlier pod failed or the Job was suspended.
constexpr std::int64_t kSecondsPerMinute = 60;
constexpr std::int64_t kClocksDifferSeconds = 60;
constexpr std::int64_t kLatestPodSeconds = 30 * 86'400;

std::string_view Value(const StringMap& map, std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? std::string_view{} : std::string_view(found->second);
}

bool IsDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// "a-b-c" -> "a-b", and `last` is "c". Empty when there is no dash or nothing on one side of it.
std::string_view SplitLast(std::string_view text, std::string_view& last) {
  const auto dash = text.rfind('-');
  if (dash == std::string_view::npos || dash == 0 || dash + 1 == text.size()) return {};
  last = text.substr(dash + 1);
  return text.substr(0, dash);
}

Workload Of(std::string_view type, std::string_view name) {
  return {.deployment = {}, .name = std::string(name), .type = std::string(type)};
}

Workload OfDeployment(std::string_view name) {
  return {.deployment = std::string(name), .name = std::string(name), .type = "deployment"};
}

// The Deployment from a pod's name. Names over 63 characters lose the end of their prefix, so the dash before the
// random characters, or part of the hash too, may be missing.
std::string_view DeploymentOfPod(std::string_view pod_name, std::string_view hash) {
  std::string_view last;
  const std::string_view usual = DeploymentOfReplicaSet(SplitLast(pod_name, last), hash);
  if (!usual.empty() || pod_name.size() != kLongestPrefix + kRandomLength) return usual;
  const std::string_view deployment = SplitLast(pod_name.substr(0, kLongestPrefix), last);
  const bool long_enough = last.size() >= std::min(kLeastHash, hash.size());
  return long_enough && hash.substr(0, last.size()) == last ? deployment : std::string_view{};
}

// A DaemonSet's pod is <name>-<5 random characters>. A name of full length may have lost its end.
std::string_view DaemonSetOfPod(std::string_view pod_name) {
  std::string_view random;
  const std::string_view name = SplitLast(pod_name, random);
  return random.size() == kRandomLength && pod_name.size() < kLongestPrefix + kRandomLength ? name : std::string_view{};
}

Workload OfStatefulSet(std::string_view pod_name, const StringMap& labels) {
  std::string_view ordinal;
  const std::string_view name = SplitLast(pod_name, ordinal);
  const std::string_view told_name = Value(labels, kStatefulSetPodName);
  const std::string_view told_index = Value(labels, kPodIndex);
  const bool contradicts =
      (!told_name.empty() && told_name != pod_name) || (!told_index.empty() && told_index != ordinal);
  if (name.empty() || !IsDigits(ordinal) || contradicts) return {};
  return Of("statefulset", name);
}

Workload OfJob(std::string_view job, std::optional<std::int64_t> pod_created_seconds) {
  std::string_view time;
  const std::string_view cron_job = SplitLast(job, time);
  const auto minute = text::ParseI64(time);
  if (!pod_created_seconds || cron_job.empty() || !IsDigits(time) || !minute.ok()) return Of("job", job);
  // Compared in minutes, as any number of minutes need not fit when it is made seconds.
  const std::int64_t earliest = (*pod_created_seconds - kLatestPodSeconds) / kSecondsPerMinute;
  const std::int64_t latest = (*pod_created_seconds + kClocksDifferSeconds) / kSecondsPerMinute;
  return minute.value() >= earliest && minute.value() <= latest ? Of("cronjob", cron_job) : Of("job", job);
}

}  // namespace

std::string_view DeploymentOfReplicaSet(std::string_view replica_set, std::string_view pod_template_hash) {
  std::string_view last;
  const std::string_view name = SplitLast(replica_set, last);
  return last == pod_template_hash ? name : std::string_view{};
}

bool IsStatic(const StringMap& annotations) {
  const std::string_view source = Value(annotations, kConfigSource);
  return source == "file" || source == "http";
}

std::string ConfigHash(const StringMap& annotations) {
  const std::string_view hash = Value(annotations, kConfigHash);
  return hash.find('-') == std::string_view::npos ? std::string(hash) : std::string();
}

Workload WorkloadFromOwners(std::string_view pod_name, const StringMap& labels, std::span<const OwnerReference> owners,
                            std::optional<std::int64_t> created_seconds) {
  const auto owner = std::find_if(owners.begin(), owners.end(), [](const OwnerReference& o) { return o.controller; });
  if (owner == owners.end()) return Of("pod", pod_name);
  if (owner->kind == "Node") return Of("static", pod_name);
  if (owner->kind == "Job") return OfJob(owner->name, created_seconds);
  if (owner->kind == "ReplicaSet") {
    const std::string_view deployment = DeploymentOfReplicaSet(owner->name, Value(labels, kTemplateHash));
    if (!deployment.empty()) return OfDeployment(deployment);
  }
  std::string type = owner->kind;
  std::transform(type.begin(), type.end(), type.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return Of(type, owner->name);
}

Workload WorkloadFromLabels(std::string_view pod_name, const StringMap& labels, const StringMap& annotations) {
  if (IsStatic(annotations)) return Of("static", pod_name);
  if (const std::string_view hash = Value(labels, kTemplateHash); !hash.empty()) {
    const std::string_view deployment = DeploymentOfPod(pod_name, hash);
    return deployment.empty() ? Workload{} : OfDeployment(deployment);
  }
  const bool revision = !Value(labels, kRevisionHash).empty();
  if (!Value(labels, kStatefulSetPodName).empty() || (revision && !Value(labels, kPodIndex).empty())) {
    return OfStatefulSet(pod_name, labels);
  }
  if (revision && !Value(labels, kTemplateGeneration).empty()) {
    const std::string_view name = DaemonSetOfPod(pod_name);
    return name.empty() ? Workload{} : Of("daemonset", name);
  }
  for (const std::string_view key : {kJobName, kOldJobName}) {
    if (const std::string_view job = Value(labels, key); !job.empty()) return Of("job", job);
  }
  // A revision without the labels above is another controller's.
  return revision ? Workload{} : Of("pod", pod_name);
}

}  // namespace cloudmon::identity
