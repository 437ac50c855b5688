// SPDX-License-Identifier: Apache-2.0
// From the container runtime's answers to pods. Pure; safe to call from any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "exporter/identity/cri.pb.h"
#include "exporter/identity/identity.h"
#include "exporter/identity/workload.h"

namespace cloudmon::identity {

inline constexpr int kSandboxReady = 0;
inline constexpr int kContainerRunning = 1;
inline constexpr int kNetworkOfNode = 2;

// The image as the pod's author wrote it where the runtime says so; else what the runtime was given: a name or an ID.
[[nodiscard]] std::string ImageOf(const cri::Container& container);

// "sha256:..." rather than a name.
[[nodiscard]] bool IsImageId(std::string_view image);

// For each image ID a name: its first tag, else its first digest, else the ID itself.
[[nodiscard]] StringMap BuildImageNames(const cri::ListImagesResponse& images);

// Pods from ready sandboxes (the newest first where a pod has several) and their running containers. Pods without a UID
// are left out. `host_network` is by the sandbox's ID; `image_names` from BuildImageNames.
[[nodiscard]] std::vector<PodIdentity> BuildPods(const cri::ListPodSandboxResponse& sandboxes,
                                                 const cri::ListContainersResponse& containers,
                                                 const std::map<std::string, bool>& host_network,
                                                 const StringMap& image_names);

}  // namespace cloudmon::identity
