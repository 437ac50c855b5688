// SPDX-License-Identifier: Apache-2.0
// The identity sources that the settings name.
#pragma once

#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/kube/api.h"
#include "common/result.h"
#include "exporter/config.h"
#include "exporter/identity/identity.h"

namespace cloudmon {

// Where the API server is. Error: kNotFound outside a cluster where no address is set.
Result<kube::Api> KubernetesApi(const KubernetesSettings& settings, const kube::Environment& environment);

// Where this node's kubelet is.
[[nodiscard]] kube::Api KubeletApi(const ExporterConfig& config);

// In the order of identity.sources; kubernetes begins to watch. `clock` must outlive them. Errors name the setting.
Result<std::vector<std::unique_ptr<identity::Source>>> MakeSources(const ExporterConfig& config,
                                                                   const kube::Environment& environment,
                                                                   const Clock& clock);

}  // namespace cloudmon
