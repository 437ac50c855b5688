// SPDX-License-Identifier: Apache-2.0
#include "exporter/config.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/post/url.h"
#include "common/utf8.h"

namespace cloudmon {
namespace {

constexpr std::array kSources{"kubernetes", "kubelet", "cri", "podlogs"};

Status CheckSources(const std::vector<std::string>& sources) {
  for (const std::string& source : sources) {
    if (std::find(kSources.begin(), kSources.end(), source) == kSources.end()) {
      return Error{ErrorCode::kInvalid,
                   "identity.sources: unknown source '" + source + "'; known are kubernetes, kubelet, cri and podlogs"};
    }
    if (std::count(sources.begin(), sources.end(), source) > 1) {
      return Error{ErrorCode::kInvalid, "identity.sources: '" + source + "' is named twice"};
    }
  }
  return Status::Ok();
}

// `setting`: "kubelet.url". Without a path, as paths are added to it.
Status CheckServer(const std::string& setting, const std::string& url) {
  const auto scheme_end = url.find("://");
  const std::string scheme = url.substr(0, scheme_end);
  const bool known = scheme_end != std::string::npos && (scheme == "https" || scheme == "http");
  const std::string host = known ? url.substr(scheme_end + 3) : "";
  if (url.empty() || (!host.empty() && host.find_first_of("/?# ") == std::string::npos)) return Status::Ok();
  return Error{ErrorCode::kInvalid, setting + ": expected https://HOST:PORT without a path, got '" + url + "'"};
}

Status FinishPush(PushSettings& push) {
  if (push.url.empty()) {
    if (push == PushSettings{}) return Status::Ok();
    return Error{ErrorCode::kInvalid,
                 "push.url: is empty, so the other push settings have no effect; set it, or remove them"};
  }
  auto url = post::ParseUrl(push.url, {"/api/ingest", "http://aggregator:8082", "a token goes into push.token-file"});
  if (!url.ok()) return Wrap(url.error(), "push.url");
  push.url = std::move(url.value());
  if (push.interval < std::chrono::seconds{1} || push.interval > std::chrono::minutes{5}) {
    return Error{ErrorCode::kInvalid, "push.interval: expected 1s to 5m, got " + config::FormatDuration(push.interval)};
  }
  if (push.queue < 1 || push.queue > 10'000) {
    return Error{ErrorCode::kInvalid, "push.queue: expected 1 to 10000, got " + std::to_string(push.queue)};
  }
  return Status::Ok();
}

void AddIdentityOptions(config::OptionTable& table, ExporterConfig& c) {
  table.Add(
      {"identity.sources",
       "Where pod names come from, in order of trust. kubernetes: the API server (may list and watch pods); kubelet: "
       "this node's (may get nodes/pods or nodes/proxy); cri: the container runtime's socket (needs root); podlogs: "
       "directory names, without Deployments. In a cluster kubernetes,podlogs is best.",
       &c.identity_sources, "", "LIST"});
  table.Add(
      {"kubernetes.api-url",
       "The API server for source kubernetes. When empty, that of the cluster the exporter runs in, with its service "
       "account's token and CA; outside of one set the token and CA too.",
       &c.kubernetes.api_url, "", "URL"});
  table.Add(
      {"kubernetes.token-file",
       "File with the bearer token for API server and kubelet, read again for each request; the service account's "
       "when empty in a cluster.",
       &c.kubernetes.token_file, "", "FILE"});
  table.Add({"kubernetes.ca-file",
             "PEM file of who signed the API server's certificate; the service account's when empty in a cluster.",
             &c.kubernetes.ca_file, "", "FILE"});
  table.Add({"kubelet.url", "This node's kubelet for source kubelet; https://NODE_NAME:10250 when empty.",
             &c.kubelet.url, "", "URL"});
  table.Add(
      {"kubelet.ca-file",
       "PEM file of who signed the kubelet's certificate, such as /var/lib/kubelet/pki/kubelet.crt where it signed its "
       "own; the API server's CA when empty.",
       &c.kubelet.ca_file, "", "FILE"});
  table.Add({"kubelet.insecure-skip-verify",
             "Do not check the kubelet's certificate: whoever answers at its address gets the token.",
             &c.kubelet.insecure_skip_verify, "", ""});
  table.Add({"cri.endpoint", "The container runtime's socket; the usual places are tried when empty.", &c.cri_endpoint,
             "", "unix://PATH"});
}

}  // namespace

std::unique_ptr<config::OptionTable> ExporterOptions(ExporterConfig& c) {
  auto table = std::make_unique<config::OptionTable>(
      "cloud-monitor-exporter",
      "Reads this node's cgroups and processes and serves what each pod uses as Prometheus metrics, "
      "with namespace, pod and deployment on every series.");
  table->Add({"web.listen-address", "Address to serve /metrics on; port 0 picks a free one and logs it.",
              &c.listen_address, "", "HOST:PORT"});
  table->Add({"node.name",
              "This node's name, in cloudmon_node_info and, for source kubernetes, in the cluster; the host's name "
              "when empty.",
              &c.node_name, "NODE_NAME", "NAME"});
  table->Add({"path.procfs", "Where the node's /proc is mounted.", &c.roots.procfs, "", "DIR"});
  table->Add({"path.cgroup", "Where the node's cgroup file systems are mounted.", &c.roots.cgroup, "", "DIR"});
  table->Add({"path.rootfs", "Where the node's root directory is mounted, for file system sizes.", &c.roots.rootfs, "",
              "DIR"});
  table->Add({"path.podlogs", "The kubelet's directory of pod logs, for the identity source podlogs.", &c.roots.podlogs,
              "", "DIR"});
  AddIdentityOptions(*table, c);
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
  table->Add({"push.url",
              "Aggregator to push to, for nodes that cannot be scraped; empty is off. Without a path, /api/ingest.",
              &c.push.url, "", "URL"});
  table->Add({"push.interval", "Time between two documents, 1s to 5m; the aggregator's scrape.interval is best.",
              &c.push.interval, "", ""});
  table->Add({"push.token-file",
              "File whose first line is the token that the aggregator asks for; read again for each document.",
              &c.push.token_file, "", "FILE"});
  table->Add({"push.queue", "Documents kept while the aggregator cannot be reached, 1 to 10000; then the oldest goes.",
              &c.push.queue, "", ""});
  return table;
}

Status FinishConfig(ExporterConfig& c) {
  for (const Status& check : {CheckSources(c.identity_sources), CheckServer("kubernetes.api-url", c.kubernetes.api_url),
                              CheckServer("kubelet.url", c.kubelet.url)}) {
    if (!check.ok()) return check;
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
  return FinishPush(c.push);
}

}  // namespace cloudmon
