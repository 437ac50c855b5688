// SPDX-License-Identifier: Apache-2.0
// One pass over the node: what was read, joined with names. Pure data, from which the page is written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/cgroup/usage.h"
#include "exporter/proc/node.h"

namespace cloudmon {

struct NamedContainer {
  std::string name, image;
  cgroup::Container cgroup;
};

// A live process of a pod, and its container's cgroup, which tells whether it still is that one.
struct PodProcess {
  std::uint32_t pid = 0;
  std::string cgroup_path;
};

struct NamedPod {
  std::string namespace_name, name, deployment, workload, workload_type;
  std::string sandbox_id;                    // empty where unknown
  std::optional<std::uint32_t> pause_pid;    // nullopt where no pause process was found
  std::vector<PodProcess> processes;         // one of each container, the pause process first; for the pod's network
  std::optional<bool> host_network;          // nullopt where it could not be told
  std::optional<double> start_time_seconds;  // Unix time: the earliest of its containers
  cgroup::Pod cgroup;                        // its own `containers` is empty: see the next line
  std::vector<NamedContainer> containers;    // without the pause container
  std::vector<proc::NetDevice> network;      // empty for the host's network
};

struct NodeInfo {
  std::string node, kernel, cgroup_version, container_runtime;
};

struct NodeSnapshot {
  NodeInfo info;
  std::vector<NamedPod> pods;
  std::optional<proc::NodeStats> node;  // nullopt when the collector is off
  // (major, minor) -> "/dev/sda"
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> device_names;
};

}  // namespace cloudmon
