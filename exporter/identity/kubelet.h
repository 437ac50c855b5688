// SPDX-License-Identifier: Apache-2.0
// Names from this node's kubelet: GET /pods. Needs permission to get nodes/proxy, or nodes/pods from Kubernetes 1.33
// on.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "common/kube/api.h"
#include "exporter/identity/identity.h"

namespace cloudmon::identity {

// The pods of a PodList. Error: kParse where `list` is none.
Result<std::vector<PodIdentity>> PodsFromList(const nlohmann::json& list);

// Not thread-safe.
class KubeletSource final : public Source {
 public:
  static constexpr std::size_t kMaxBytes = 32U << 20U;  // some 2,000 pods

  explicit KubeletSource(kube::Api kubelet) : kubelet_(std::move(kubelet)) {}

  [[nodiscard]] std::string_view name() const override { return "kubelet"; }
  // Errors are those of kube::GetJson and name what of --kubelet.* or which permission to change.
  Result<std::vector<PodIdentity>> Fetch() override;

 private:
  kube::Api kubelet_;
};

}  // namespace cloudmon::identity
