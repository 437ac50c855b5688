// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/config/options.h"
#include "exporter/roots.h"

namespace cloudmon {

// Which collectors run: --collector.<name> and --no-collector.<name>.
struct CollectorSwitches {
  bool cgroup = true;
  bool network = true;
  bool node = true;
  bool filesystem = true;
  bool self = true;
};

// Pushing to the aggregator: --push.*
struct PushSettings {
  std::string url;  // empty: off
  std::chrono::milliseconds interval{10'000};
  std::string token_file;
  std::int64_t queue = 60;

  friend bool operator==(const PushSettings&, const PushSettings&) = default;
};

// The API server, for the identity source kubernetes: --kubernetes.*
struct KubernetesSettings {
  std::string api_url;     // empty: that of the cluster in which the exporter runs
  std::string token_file;  // for the kubelet too
  std::string ca_file;
};

// This node's kubelet, for the identity source kubelet: --kubelet.*
struct KubeletSettings {
  std::string url;      // empty: https://<node name>:10250
  std::string ca_file;  // empty: as of the API server
  bool insecure_skip_verify = false;
};

// The exporter's settings with their defaults. Paths of the node appear here and nowhere else.
struct ExporterConfig {
  std::string listen_address = ":9780";
  std::string node_name;  // empty: the host's name
  Roots roots{.procfs = "/proc", .cgroup = "/sys/fs/cgroup", .rootfs = "/", .podlogs = "/var/log/pods"};
  std::vector<std::string> identity_sources{"cri", "podlogs"};
  KubernetesSettings kubernetes;
  KubeletSettings kubelet;
  std::string cri_endpoint;  // empty: the first of cri_default_endpoints that exists
  CollectorSwitches collectors;
  PushSettings push;
  std::int64_t kept_descriptors = 8192;  // control files of cgroups that may stay open
};

inline constexpr const char* kCriDefaultEndpoints[] = {
    "unix:///run/containerd/containerd.sock",
    "unix:///run/k3s/containerd/containerd.sock",
    "unix:///run/crio/crio.sock",
    "unix:///run/cri-dockerd.sock",
};

// The table of all settings, bound to `config`'s fields, which must outlive it.
std::unique_ptr<config::OptionTable> ExporterOptions(ExporterConfig& config);

// Checks what the table cannot (source names, addresses, pushing) and fills in the node's name and the path of
// push.url. Error: kInvalid, naming the setting.
Status FinishConfig(ExporterConfig& config);

}  // namespace cloudmon
