// SPDX-License-Identifier: Apache-2.0
#include "exporter/collector.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

#include "common/exposition/process_metrics.h"
#include "common/exposition/writer.h"
#include "common/file.h"
#include "common/text.h"
#include "common/version.h"
#include "exporter/families.h"
#include "exporter/join.h"
#include "exporter/metric_defs.h"
#include "exporter/proc/devices.h"
#include "exporter/self_families.h"

namespace cloudmon {
namespace {

std::string ReadKernelRelease(const std::string& procfs) {
  const auto release = ReadFile(procfs + "/sys/kernel/osrelease");
  return release.ok() ? std::string(text::Trim(release.value())) : "";
}

prometheus::Family<prometheus::Gauge>& AddGauge(prometheus::Registry& registry, const MetricDef& def) {
  return prometheus::BuildGauge().Name(std::string(def.name)).Help(std::string(def.help)).Register(registry);
}

prometheus::Family<prometheus::Counter>& AddCounter(prometheus::Registry& registry, const MetricDef& def) {
  return prometheus::BuildCounter().Name(std::string(def.name)).Help(std::string(def.help)).Register(registry);
}

}  // namespace

Collector::Collector(const ExporterConfig& config, std::vector<std::unique_ptr<identity::Source>> sources,
                     const identity::Probe& probe, const Clock& clock)
    : switches_(config.collectors),
      procfs_(config.roots.procfs),
      clock_(clock),
      cgroups_(config.roots, clock),
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
  const std::lock_guard lock(mu_);
  if (clock_.SteadyMs() - collected_at_ms_ >= kShareMs) {
    Collect();
    collected_at_ms_ = clock_.SteadyMs();
  }
  std::string page;
  page.reserve(last_page_bytes_ + last_page_bytes_ / 8);
  exposition::Writer writer(format, page);
  WritePodFamilies(writer, snapshot_);
  WriteNodeFamilies(writer, snapshot_);
  writer.Begin(kUnidentifiedPods.def);
  writer.Add({}, static_cast<std::uint64_t>(unidentified_pods_));
  writer.AddFamilies(IdentityFamilies(resolver_.Stats()));
  writer.AddFamilies(registry_.Collect());
  if (switches_.self) exposition::WriteProcessMetrics(writer, process_);
  writer.Finish();
  last_page_bytes_ = page.size();
  return page;
}

void Collector::Collect() {
  snapshot_.node.reset();
  snapshot_.pods.clear();
  if (switches_.node || switches_.filesystem) Timed("node", [this] { CollectNode(); });
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
  proc::NodeStats stats;
  if (switches_.node) stats = node_.Read();
  if (switches_.filesystem) node_.ReadFileSystems(stats);
  for (const Error& error : stats.errors) AddError("node", error);
  snapshot_.node = std::move(stats);
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
    const std::uint64_t kills = oom_tally_.Update(pod);
    if (scan.version != "v2") pod.usage.memory.oom_kills = kills;
  }
  oom_tally_.Sweep();
  snapshot_.pods = JoinPods(std::move(scan.pods), who);
  NameDevices();
}

// Names the devices of the cgroups' io files, which know them by number only.
void Collector::NameDevices() {
  const auto disks = node_.ReadDisks();
  if (!disks.ok()) return AddError("cgroup", disks.error());
  snapshot_.device_names = proc::DeviceNames(disks.value());
}

// Any live process of the pod shows its network; those on the host's network would repeat the node's.
void Collector::CollectNetwork() {
  constexpr std::uint32_t kInit = 1;
  for (NamedPod& pod : snapshot_.pods) {
    if (!pod.any_pid) continue;
    if (!pod.host_network) {
      const auto same = processes_.SameNetNamespace(*pod.any_pid, kInit);
      if (same.ok()) pod.host_network = same.value();
    }
    if (pod.host_network.value_or(false)) continue;
    auto devices = processes_.ReadNetDev(*pod.any_pid);
    if (devices.ok()) {
      pod.network = std::move(devices.value());
    } else if (devices.error().code != ErrorCode::kNotFound && devices.error().code != ErrorCode::kGone) {
      AddError("network", devices.error());
    }
  }
}

}  // namespace cloudmon
