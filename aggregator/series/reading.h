// SPDX-License-Identifier: Apache-2.0
// What one scrape of one target (or one pushed document) says, parsed. Counters are the source's raw totals. Pure data.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::series {

// nullopt: the page did not say. Totals since the start of the cgroup, interface or node.
struct Usage {
  std::optional<std::uint64_t> cpu_usage_usec;
  std::optional<std::uint64_t> memory_bytes, memory_working_set_bytes;
  std::optional<std::uint64_t> disk_read_bytes, disk_write_bytes;
  std::optional<std::uint64_t> network_rx_bytes, network_tx_bytes;
  std::optional<std::uint64_t> cpu_millicores{};  // pushed documents only; used where there is no cpu_usage_usec
};

// The same object (pointer) in every reading of a target while nothing in it changes. Kept small: each pod has one.
struct PodKey {
  // Copies them; the last two may be empty.
  PodKey(std::string_view its_ns, std::string_view its_pod, std::string_view its_deployment, std::string_view its_uid)
      : text_(std::make_unique_for_overwrite<char[]>(its_ns.size() + its_pod.size() + its_deployment.size() +
                                                     its_uid.size())) {
    char* at = text_.get();
    const auto keep = [&at](std::string_view text) {
      const char* begin = at;
      at = std::copy(text.begin(), text.end(), at);
      return std::string_view(begin, text.size());
    };
    ns = keep(its_ns);
    pod = keep(its_pod);
    deployment = keep(its_deployment);
    uid = keep(its_uid);
  }

 private:
  std::unique_ptr<char[]> text_;  // all four, one after the other

 public:
  std::string_view ns, pod, deployment, uid;  // of text_
};

struct ContainerUsage {
  std::string container;
  Usage usage;  // no network: that is the pod's
};

struct PodReading {
  std::shared_ptr<const PodKey> key;
  Usage usage;  // of the pod's cgroup and network. Where `containers` is not empty: only the network is set here.
  std::vector<ContainerUsage> containers;    // pages without pod_* series: the pod is the sum of these
  std::optional<double> start_time_seconds;  // of the pod's oldest container, where known
};

// Of a pushed document without pods: what it says of a namespace (deployment empty) or of a deployment on its node.
struct GroupReading {
  std::string ns, deployment;
  Usage usage;
};

struct NodeReading {
  Usage usage;
  std::optional<std::uint64_t> cpu_capacity_millicores, memory_capacity_bytes;
};

struct TargetReading {
  std::string node;  // what the page says (cloudmon_node_info); empty where it does not
  // How long before the request its values were read (cloudmon_collection_age_seconds): an exporter asked by two may
  // show both the same pass.
  std::int64_t age_ms = 0;
  NodeReading node_reading;
  std::vector<PodReading> pods;
  std::vector<GroupReading> groups;  // not empty only where `pods` is
};

}  // namespace cloudmon::series
