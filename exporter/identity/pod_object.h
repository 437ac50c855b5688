// SPDX-License-Identifier: Apache-2.0
// From Pod objects, as the API server and the kubelet write them, to pods with their exact workload. Pure; safe to call
// from any thread. Fields: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "exporter/identity/identity.h"

namespace cloudmon::identity {

// The pod's UID; empty where there is none.
[[nodiscard]] std::string UidOfObject(const nlohmann::json& pod);

// nullopt where the UID, the namespace or the name is missing; any other field that is missing or has another type than
// it should counts as not set. Containers are those of the spec (init and ephemeral ones too), with images as the spec
// has them; the ID of one that has not run yet is empty. The API does not know the sandbox.
[[nodiscard]] std::optional<PodIdentity> PodFromObject(const nlohmann::json& pod);

}  // namespace cloudmon::identity
