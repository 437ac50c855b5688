// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/cri_pods.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/utf8.h"

namespace cloudmon::identity {
namespace {

StringMap CleanMap(const google::protobuf::Map<std::string, std::string>& map) {
  StringMap clean;
  for (const auto& [key, value] : map) clean.emplace(SanitizeUtf8(key), SanitizeUtf8(value));
  return clean;
}

PodIdentity BuildPod(const cri::PodSandbox& sandbox, const std::map<std::string, bool>& host_network) {
  const StringMap annotations = CleanMap(sandbox.annotations());
  PodIdentity pod;
  pod.uid = SanitizeUtf8(sandbox.metadata().uid());
  pod.config_hash = ConfigHash(annotations);
  pod.namespace_name = SanitizeUtf8(sandbox.metadata().namespace_());
  pod.name = SanitizeUtf8(sandbox.metadata().name());
  Workload workload = WorkloadFromLabels(pod.name, CleanMap(sandbox.labels()), annotations);
  pod.deployment = std::move(workload.deployment);
  pod.workload = std::move(workload.name);
  pod.workload_type = std::move(workload.type);
  pod.sandbox_id = SanitizeUtf8(sandbox.id());
  if (const auto known = host_network.find(pod.sandbox_id); known != host_network.end()) {
    pod.host_network = known->second;
  }
  return pod;
}

}  // namespace

std::string ImageOf(const cri::Container& container) {
  const cri::ImageSpec& image = container.image();
  return SanitizeUtf8(image.user_specified_image().empty() ? image.image() : image.user_specified_image());
}

bool IsImageId(std::string_view image) {
  return image.starts_with("sha256:");
}

StringMap BuildImageNames(const cri::ListImagesResponse& images) {
  StringMap names;
  for (const cri::Image& image : images.images()) {
    const std::string& name = !image.repo_tags().empty()      ? image.repo_tags(0)
                              : !image.repo_digests().empty() ? image.repo_digests(0)
                                                              : image.id();
    names.emplace(SanitizeUtf8(image.id()), SanitizeUtf8(name));
  }
  return names;
}

std::vector<PodIdentity> BuildPods(const cri::ListPodSandboxResponse& sandboxes,
                                   const cri::ListContainersResponse& containers,
                                   const std::map<std::string, bool>& host_network, const StringMap& image_names) {
  std::vector<const cri::PodSandbox*> newest_first;
  for (const cri::PodSandbox& sandbox : sandboxes.items()) {
    if (sandbox.state() == kSandboxReady && !sandbox.metadata().uid().empty()) newest_first.push_back(&sandbox);
  }
  std::stable_sort(newest_first.begin(), newest_first.end(),
                   [](const auto* a, const auto* b) { return a->created_at() > b->created_at(); });
  std::vector<PodIdentity> pods;
  std::unordered_map<std::string_view, std::size_t> pod_of;  // by the sandbox's ID
  for (const cri::PodSandbox* sandbox : newest_first) {
    pod_of.emplace(sandbox->id(), pods.size());
    pods.push_back(BuildPod(*sandbox, host_network));
  }
  for (const cri::Container& container : containers.containers()) {
    const auto pod = pod_of.find(container.pod_sandbox_id());
    if (container.state() != kContainerRunning || pod == pod_of.end()) continue;
    ContainerIdentity& identity = pods[pod->second].containers.emplace_back();
    identity.id = SanitizeUtf8(container.id());
    identity.name = SanitizeUtf8(container.metadata().name());
    identity.image = ImageOf(container);
    if (const auto name = image_names.find(identity.image); name != image_names.end()) identity.image = name->second;
  }
  return pods;
}

}  // namespace cloudmon::identity
