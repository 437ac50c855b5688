// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/kubelet.h"

#include <nlohmann/json.hpp>
#include <string>

#include "common/kube/reflector.h"
#include "exporter/identity/pod_object.h"

namespace cloudmon::identity {
namespace {

std::string_view Advice(ErrorCode code) {
  switch (code) {
    case ErrorCode::kDenied:
      return "; let the service account get nodes/proxy, or nodes/pods from Kubernetes 1.33 on";
    case ErrorCode::kIo:
    case ErrorCode::kTimeout:
      return "; set --kubelet.url, --kubelet.ca-file or --kubelet.insecure-skip-verify";
    case ErrorCode::kNotFound:
    case ErrorCode::kParse:
      return "; is --kubelet.url that of a kubelet?";
    default:
      return "";
  }
}

}  // namespace

Result<std::vector<PodIdentity>> PodsFromList(const nlohmann::json& list) {
  const auto items = list.find("items");
  // A node without pods: Go writes an empty list as null.
  const bool none = items != list.end() && items->is_null();
  if (items == list.end() || (!items->is_array() && !none)) return Error{ErrorCode::kParse, "not a list of pods"};
  std::vector<PodIdentity> pods;
  for (const nlohmann::json& item : *items) {
    if (auto pod = PodFromObject(item)) pods.push_back(*std::move(pod));
  }
  return pods;
}

Result<std::vector<PodIdentity>> KubeletSource::Fetch() {
  const auto list = kube::GetJson(kubelet_, "/pods", kMaxBytes);
  auto pods = list.ok() ? PodsFromList(list.value()) : list.error();
  if (pods.ok()) return pods;
  Error error = Wrap(pods.error(), "kubelet");
  error.message += Advice(error.code);
  return error;
}

}  // namespace cloudmon::identity
