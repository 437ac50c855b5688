// SPDX-License-Identifier: Apache-2.0
// Names of pods and containers, as a source tells them. Pure data; all text is valid UTF-8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace cloudmon::identity {

struct ContainerIdentity {
  std::string id;     // 64 hexadecimal digits; empty where the source only knows the name (podlogs, or not yet)
  std::string name;   // "app"
  std::string image;  // "shop/web:1.2"; empty where unknown
  // podlogs: Unix time at which the newest log file of this container was made; orders containers by their start.
  std::optional<double> log_birth_seconds;
  bool operator==(const ContainerIdentity&) const = default;
};

struct PodIdentity {
  std::string uid;
  std::string
      config_hash;  // static pods: the annotation kubernetes.io/config.hash, which their cgroup carries as its UID
  std::string namespace_name, name;
  std::string deployment;               // empty unless the workload is a Deployment
  std::string workload, workload_type;  // kubernetes-mixin's, lower case; both empty where unknown
  std::string sandbox_id;               // the pause container's ID; empty where unknown
  std::optional<bool> host_network;
  std::vector<ContainerIdentity> containers;
  bool operator==(const PodIdentity&) const = default;
};

// Where names come from: kubernetes, kubelet, cri, podlogs. One thread at a time.
class Source {
 public:
  virtual ~Source() = default;
  // "cri", "podlogs": the value in --identity.sources and of the label `source`.
  [[nodiscard]] virtual std::string_view name() const = 0;
  // All pods of this node that the source knows now. Bounded in time (2 s, kubelet 5 s). Errors say what to change.
  virtual Result<std::vector<PodIdentity>> Fetch() = 0;
  // Another number whenever Fetch would answer something new; 0 where the source cannot tell without being asked.
  [[nodiscard]] virtual std::uint64_t version() const { return 0; }
  // False while Fetch can only answer what was so a while ago, as what tells the source of changes is away.
  [[nodiscard]] virtual bool current() const { return true; }
  // The container runtime as Kubernetes writes it, "containerd://1.6.20"; empty where the source cannot tell or has not
  // been asked yet.
  [[nodiscard]] virtual std::string container_runtime() const { return {}; }
};

}  // namespace cloudmon::identity
