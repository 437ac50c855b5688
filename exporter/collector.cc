// SPDX-License-Identifier: Apache-2.0
#include "exporter/collector.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "common/exposition/process_metrics.h"
#include "common/exposition/writer.h"
#include "common/file.h"
#include "common/text.h"
#include "common/utf8.h"
#include "common/version.h"
#include "exporter/families.h"
#include "exporter/join.h"
#include "exporter/metric_defs.h"
#include "exporter/proc/devices.h"
#include "exporter/push/document.h"
#include "exporter/self_families.h"

namespace cloudmon {
namespace {

std::string ReadKernelRelease(const std::string& procfs) {
  const auto release = ReadFile(procfs + "/sys/kernel/osrelease");
  return release.ok() ? SanitizeUtf8(text::Trim(release.value())) : "";
}

prometheus::Family<prometheus::Gauge>& AddGauge(prometheus::Registry& registry, const MetricDef& def) {
  return prometheus::BuildGauge().Name(std::string(def.name)).Help(std::string(def.help)).Register(registry);
}

prometheus::Family<prometheus::Counter>& AddCounter(prometheus::Registry& registry, const MetricDef& def) {
  return prometheus::BuildCounter().Name(std::string(def.name)).Help(std::string(def.help)).Register(registry);
}

}  // namespace

Collector::Collector(const ExporterConfig& config, std::vector<std::unique_ptr<identity::Source>> sources,
                     const identity::Probe& probe, const Clock& clock, const push::Stats* push)
    : switches_(config.collectors),
      procfs_(config.roots.procfs),
      clock_(clock),
      push_(push),
      cgroups_(config.roots, clock, static_cast<std::size_t>(config.kept_descriptors)),
      node_(config.roots),
      processes_(config.roots.procfs),
      resolver_(std::move(sources), probe, clock),
      duration_(AddGauge(registry_, kCollectorDuration.def)),
      success_(AddGauge(registry_, kCollectorSuccess.def)),
      errors_(AddCounter(registry_, kCollectorErrors.def)) {
  AddGauge(registry_, kBuildInfo.def).Add({{"version", kVersion}}).Set(1);
  snapshot_.info.node = config.node_name;
  snapshot_.info.kernel = ReadKernelRelease(procfs_);
}

std::string Collector::Page(exposition::Format format) {
  const std::int64_t asked_at_ms = clock_.SteadyMs();
  const std::lock_guard lock(mu_);
  Refresh();
  // Who asks subtracts this from its own time, so that rates are right whoever else asks.
  const std::int64_t age_ms = std::max<std::int64_t>(asked_at_ms - collected_at_ms_, 0);
  std::string page;
  page.reserve(last_page_bytes_ + last_page_bytes_ / 8);
  exposition::Writer writer(format, page);
  WritePodFamilies(writer, snapshot_);
  WriteNodeFamilies(writer, snapshot_);
  writer.Begin(kCollectionAge.def);
  writer.Add({}, static_cast<double>(age_ms) / 1e3);
  writer.Begin(kUnidentifiedPods.def);
  writer.Add({}, static_cast<std::uint64_t>(unidentified_pods_));
  writer.AddFamilies(IdentityFamilies(resolver_.Stats()));
  writer.AddFamilies(registry_.Collect());
  if (push_ != nullptr) writer.AddFamilies(PushFamilies(*push_));
  if (switches_.self) exposition::WriteProcessMetrics(writer, process_);
  writer.Finish();
  last_page_bytes_ = page.size();
  return page;
}

std::string Collector::PushDocument() {
  const std::lock_guard lock(mu_);
  Refresh();
  return push::BuildDocument(snapshot_, collected_unix_ms_);
}

// Makes a pass unless the last one is shared.
void Collector::Refresh() {
  if (clock_.SteadyMs() - collected_at_ms_ < kShareMs) return;
  collected_at_ms_ = clock_.SteadyMs();
  collected_unix_ms_ = clock_.NowMs();
  Collect();
}

void Collector::Collect() {
  snapshot_.node.reset();
  snapshot_.pods.clear();
  if (switches_.node) Timed("node", [this] { CollectNode(); });
  if (switches_.filesystem) Timed("filesystem", [this] { CollectFileSystems(); });
  if (switches_.cgroup) Timed("cgroup", [this] { CollectPods(); });
  if (switches_.network) Timed("network", [this] { CollectNetwork(); });
  if (switches_.self) Timed("self", [this] { process_ = ReadProcessStats(procfs_); });
}

// Runs one collector: what it throws or reports stays with it, so that one failure never hides the others.
void Collector::Timed(const char* collector, const std::function<void()>& body) {
  const std::int64_t start_ms = clock_.SteadyMs();
  errors_in_pass_ = 0;
  try {
    body();
  } catch (const std::exception& e) {
    AddError(collector, Error{ErrorCode::kIo, e.what()});
  }
  duration_.Add({{"collector", collector}}).Set(static_cast<double>(clock_.SteadyMs() - start_ms) / 1e3);
  success_.Add({{"collector", collector}}).Set(errors_in_pass_ == 0 ? 1 : 0);
  if (errors_in_pass_ == 0) last_logged_.erase(collector);
}

void Collector::CountErrors(const char* collector, ErrorCode code, std::uint64_t count) {
  errors_.Add({{"collector", collector}, {"reason", std::string(ErrorCodeName(code))}})
      .Increment(static_cast<double>(count));
  errors_in_pass_ += count;
}

// Logs an error when it differs from what was logged last for that collector.
void Collector::LogError(const char* collector, const Error& error) {
  std::string& last = last_logged_[collector];
  if (last != error.message) spdlog::warn("collector {}: {}", collector, error.message);
  last = error.message;
}

void Collector::AddError(const char* collector, const Error& error) {
  if (errors_in_pass_ == 0) LogError(collector, error);
  CountErrors(collector, error.code, 1);
}

void Collector::CollectNode() {
  snapshot_.node = node_.Read();
  snapshot_.node->time_seconds = static_cast<double>(collected_unix_ms_) / 1e3;
  for (const Error& error : snapshot_.node->errors) AddError("node", error);
}

void Collector::CollectFileSystems() {
  if (!snapshot_.node) snapshot_.node.emplace();
  snapshot_.node->errors.clear();
  node_.ReadFileSystems(*snapshot_.node);
  for (const Error& error : snapshot_.node->errors) AddError("filesystem", error);
}

void Collector::CollectPods() {
  cgroup::CgroupScan scan = cgroups_.Read();
  snapshot_.info.cgroup_version = scan.version;
  if (!scan.errors.empty()) LogError("cgroup", scan.errors.front());
  for (const auto& [code, count] : scan.error_counts) CountErrors("cgroup", code, count);
  const identity::Resolution who = resolver_.Resolve(scan.pods);
  for (const identity::Message& message : who.messages) {
    message.warning ? spdlog::warn("{}", message.text) : spdlog::info("{}", message.text);
  }
  unidentified_pods_ = who.unidentified;
  snapshot_.info.container_runtime = resolver_.container_runtime();
  for (cgroup::Pod& pod : scan.pods) {
    if (scan.version != "v2" && !pod.usage.memory.oom_kills) pod.usage.memory.oom_kills = oom_tally_.Update(pod);
  }
  oom_tally_.Sweep();
  snapshot_.pods = JoinPods(std::move(scan.pods), who);
  NameDevices();
}

// Names the devices of the cgroups' io files, which know them by number only.
void Collector::NameDevices() {
  const auto disks = node_.ReadDisks();
  if (!disks.ok() && disks.error().code == ErrorCode::kNotFound) return;
  if (!disks.ok()) return AddError("cgroup", disks.error());
  snapshot_.device_names = proc::DeviceNames(disks.value());
}

// Any live process of the pod shows its network; those on the host's network would repeat the node's.
void Collector::CollectNetwork() {
  const std::set<std::string> own_before = std::exchange(own_network_, {});
  for (NamedPod& pod : snapshot_.pods) {
    for (const PodProcess& process : pod.processes) {
      if (!pod.host_network && own_before.contains(process.cgroup_path)) pod.host_network = false;
      if (pod.host_network.value_or(false) || ReadNetwork(pod, process)) break;
    }
  }
}

// False: the process has gone, another may know.
bool Collector::ReadNetwork(NamedPod& pod, const PodProcess& process) {
  constexpr std::uint32_t kInit = 1;
  const auto refuse = [this](const Error& error) {
    const bool gone = error.code == ErrorCode::kNotFound || error.code == ErrorCode::kGone;
    if (!gone) AddError("network", error);
    return !gone;
  };
  const auto host =
      pod.host_network ? Result<bool>(*pod.host_network) : processes_.SameNetNamespace(process.pid, kInit);
  if (!host.ok()) return refuse(host.error());
  Result<std::vector<proc::NetDevice>> devices = std::vector<proc::NetDevice>();
  if (!host.value()) devices = processes_.ReadNetDev(process.pid);
  if (!devices.ok()) return refuse(devices.error());
  // Asked last: the number may have become another process' at any time since the cgroup was read.
  if (!cgroups_.HasProcess(process.cgroup_path, process.pid)) {
    const std::string cgroup_name = process.cgroup_path.substr(process.cgroup_path.rfind('/') + 1);
    const auto still_in_pod = processes_.IsInCgroup(process.pid, cgroup_name);
    if (!still_in_pod.ok()) return refuse(still_in_pod.error());
    if (!still_in_pod.value()) return false;
  }
  if (!host.value()) own_network_.insert(process.cgroup_path);
  pod.host_network = host.value();
  pod.network = std::move(devices.value());
  return true;
}

}  // namespace cloudmon
