// SPDX-License-Identifier: Apache-2.0
#include "exporter/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/utf8.h"

namespace cloudmon {

std::unique_ptr<config::OptionTable> ExporterOptions(ExporterConfig& c) {
  auto table = std::make_unique<config::OptionTable>(
      "cloud-monitor-exporter",
      "Reads this node's cgroups and processes and serves what each pod uses as Prometheus metrics, "
      "with namespace, pod and deployment on every series.");
  table->Add({"web.listen-address", "Address to serve /metrics on; port 0 picks a free one and logs it.",
              &c.listen_address, "", "HOST:PORT"});
  table->Add({"node.name", "This node's name in cloudmon_node_info; the host's name when empty.", &c.node_name,
              "NODE_NAME", "NAME"});
  table->Add({"path.procfs", "Where the node's /proc is mounted.", &c.roots.procfs, "", "DIR"});
  table->Add({"path.cgroup", "Where the node's cgroup file systems are mounted.", &c.roots.cgroup, "", "DIR"});
  table->Add({"path.rootfs", "Where the node's root directory is mounted, for file system sizes.", &c.roots.rootfs, "",
              "DIR"});
  table->Add({"path.podlogs", "The kubelet's directory of pod logs, for the identity source podlogs.", &c.roots.podlogs,
              "", "DIR"});
  table->Add({"identity.sources", "Where pod names come from, in order of trust: cri, podlogs.", &c.identity_sources,
              "", "LIST"});
  table->Add({"cri.endpoint", "The container runtime's socket; the usual places are tried when empty.", &c.cri_endpoint,
              "", "unix://PATH"});
  table->Add(
      {"collector.cgroup", "CPU, memory, disk and pressure of pods and containers.", &c.collectors.cgroup, "", ""});
  table->Add(
      {"collector.cgroup.kept-descriptors",
       "How many control files and directories of cgroups may stay open between two scrapes: about 30 for a pod with "
       "two containers. Each takes 4 to 5.5 kB of kernel memory and saves 5 microseconds a scrape; 0 keeps none.",
       &c.kept_descriptors, "", ""});
  table->Add({"collector.network", "Network of pods.", &c.collectors.network, "", ""});
  table->Add({"collector.node", "CPU, memory, disk, network and pressure of the node.", &c.collectors.node, "", ""});
  table->Add(
      {"collector.filesystem", "Size of and space on the node's file systems.", &c.collectors.filesystem, "", ""});
  table->Add({"collector.self", "The exporter's own process: CPU, memory, descriptors.", &c.collectors.self, "", ""});
  return table;
}

Status FinishConfig(ExporterConfig& c) {
  for (const std::string& source : c.identity_sources) {
    if (source != "cri" && source != "podlogs") {
      return Error{ErrorCode::kInvalid, "identity.sources: unknown source '" + source + "'; known are cri and podlogs"};
    }
    if (std::count(c.identity_sources.begin(), c.identity_sources.end(), source) > 1) {
      return Error{ErrorCode::kInvalid, "identity.sources: '" + source + "' is named twice"};
    }
  }
  if (!c.cri_endpoint.empty() && !c.cri_endpoint.starts_with("unix:///") && !c.cri_endpoint.starts_with('/')) {
    return Error{ErrorCode::kInvalid, "cri.endpoint: expected unix:///path/to/socket, got '" + c.cri_endpoint + "'"};
  }
  if (c.kept_descriptors < 0)
    return Error{ErrorCode::kInvalid, "collector.cgroup.kept-descriptors: must not be negative"};
  if (c.node_name.empty()) {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0)
      return ErrnoError(errno, "node.name: cannot read the host's name");
    c.node_name = host.data();
  }
  c.node_name = SanitizeUtf8(c.node_name);
  return Status::Ok();
}

}  // namespace cloudmon
