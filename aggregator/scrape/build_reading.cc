// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/build_reading.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace cloudmon::scrape {
namespace {

using series::Usage;
using Whole = std::optional<std::uint64_t>;

Whole Or(Whole first, Whole second) {
  return first ? first : second;
}

// Reads the values that a page gave to one owner.
class Values {
 public:
  Values(const Totals& totals, std::uint32_t page) : totals_(totals), page_(page) {}

  [[nodiscard]] bool Has(Quantity quantity) const { return totals_.Has(page_, quantity); }

  [[nodiscard]] Whole Get(Quantity quantity, double scale = 1) const {
    if (!Has(quantity)) return std::nullopt;
    const double value = totals_.Get(quantity) * scale;
    if (!(value < kMaxValue)) return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(value));
  }
  [[nodiscard]] std::optional<double> Start() const {
    if (!Has(Quantity::kStartSeconds)) return std::nullopt;
    return totals_.Get(Quantity::kStartSeconds);
  }
  [[nodiscard]] std::int64_t AgeMs() const {
    constexpr double kMostSeconds = 60;  // a page that is older says nothing about its bucket
    const double seconds = Has(Quantity::kAgeSeconds) ? totals_.Get(Quantity::kAgeSeconds) : 0;
    return seconds <= kMostSeconds ? std::llround(seconds * 1e3) : 0;
  }
  [[nodiscard]] Whole CpuUsec() const {
    return Or(Get(Quantity::kCpuSeconds, 1e6), Get(Quantity::kCpuPartSeconds, 1e6));
  }
  void SetNetwork(Usage& usage) const {
    usage.network_rx_bytes = Get(Quantity::kNetworkRxBytes);
    usage.network_tx_bytes = Get(Quantity::kNetworkTxBytes);
  }
  // All but network.
  [[nodiscard]] Usage OfCgroup() const {
    Usage usage;
    usage.cpu_usage_usec = CpuUsec();
    usage.memory_bytes = Get(Quantity::kMemoryBytes);
    usage.memory_working_set_bytes = Get(Quantity::kWorkingSetBytes);
    usage.disk_read_bytes = Get(Quantity::kDiskReadBytes);
    usage.disk_write_bytes = Get(Quantity::kDiskWriteBytes);
    return usage;
  }
  [[nodiscard]] bool HasCgroup() const {
    return Has(Quantity::kCpuSeconds) || Has(Quantity::kCpuPartSeconds) || Has(Quantity::kMemoryBytes) ||
           Has(Quantity::kWorkingSetBytes) || Has(Quantity::kDiskReadBytes) || Has(Quantity::kDiskWriteBytes);
  }
  [[nodiscard]] bool HasNetwork() const { return Has(Quantity::kNetworkRxBytes) || Has(Quantity::kNetworkTxBytes); }

 private:
  const Totals& totals_;
  std::uint32_t page_;
};

class PodBuilder {
 public:
  PodBuilder(const PageCache& cache, std::uint32_t page) : cache_(cache), page_(page) {}

  // False when the page has no value of this pod.
  bool Build(const Pod& pod, bool has_pod_series, series::PodReading& out) const {
    bool any = SetNetwork(pod, out.usage);
    SetStart(pod, out);
    if (has_pod_series) {
      const Values own(pod.totals, page_);
      const Usage network = out.usage;
      out.usage = own.OfCgroup();
      out.usage.network_rx_bytes = network.network_rx_bytes;
      out.usage.network_tx_bytes = network.network_tx_bytes;
      return any || own.HasCgroup();
    }
    for (const Container& container : pod.containers) {
      if (container.name.empty() || container.name == "POD") continue;
      const Instance* instance = Newest(container, &Values::HasCgroup);
      if (instance != nullptr) out.containers.push_back({container.name, Of(*instance).OfCgroup()});
    }
    if (out.containers.empty()) any = SetFromPodRow(pod, out.usage) || any;
    return any || !out.containers.empty();
  }

 private:
  [[nodiscard]] Values Of(const Instance& instance) const { return {instance.totals, page_}; }

  // Of those that have values of the kind: the one that started last, else the one first seen last.
  [[nodiscard]] const Instance* Newest(const Container& container, bool (Values::*has)() const) const {
    const Instance* newest = nullptr;
    for (const std::uint32_t index : container.instances) {
      const Instance& instance = cache_.instances[index];
      if (!(Of(instance).*has)()) continue;
      if (newest == nullptr || Of(instance).Start().value_or(0) >= Of(*newest).Start().value_or(0)) newest = &instance;
    }
    return newest;
  }

  // A pod has one network namespace, whichever of its cgroups a page shows it with.
  bool SetNetwork(const Pod& pod, Usage& usage) const {
    const Instance* newest = nullptr;
    for (const Container& container : pod.containers) {
      const Instance* instance = Newest(container, &Values::HasNetwork);
      if (instance == nullptr) continue;
      if (newest == nullptr || Of(*instance).Start().value_or(0) > Of(*newest).Start().value_or(0)) newest = instance;
    }
    if (newest != nullptr) Of(*newest).SetNetwork(usage);
    return newest != nullptr;
  }

  void SetStart(const Pod& pod, series::PodReading& out) const {
    std::optional<double> pod_row;
    for (const Container& container : pod.containers) {
      std::optional<double> start;  // of the newest instance: the one whose usage counts
      for (const std::uint32_t index : container.instances)
        start = std::max(start, Of(cache_.instances[index]).Start());
      std::optional<double>& oldest = container.name.empty() ? pod_row : out.start_time_seconds;
      if (start && (!oldest || *start < *oldest)) oldest = start;
    }
    if (!out.start_time_seconds) out.start_time_seconds = pod_row;
  }

  // The row with the shortest id: the pod's cgroup rather than its pause container's, which lies within.
  bool SetFromPodRow(const Pod& pod, Usage& usage) const {
    const auto row = std::ranges::find(pod.containers, std::string_view(), &Container::name);
    if (row == pod.containers.end()) return false;
    const Instance* best = nullptr;
    for (const std::uint32_t index : row->instances) {
      const Instance& instance = cache_.instances[index];
      if (Of(instance).HasCgroup() && (best == nullptr || instance.id.size() < best->id.size())) best = &instance;
    }
    if (best == nullptr) return false;
    const Usage network = usage;
    usage = Of(*best).OfCgroup();
    usage.network_rx_bytes = network.network_rx_bytes;
    usage.network_tx_bytes = network.network_tx_bytes;
    return true;
  }

  const PageCache& cache_;
  const std::uint32_t page_;
};

void SetKey(const PageCache& cache, Pod& pod) {
  const Identity& identity = cache.identities[pod.identity];
  if (pod.key && pod.key->deployment == identity.deployment && pod.key->uid == identity.uid) return;
  pod.key = std::make_shared<series::PodKey>(series::PodKey{pod.ns, pod.name, identity.deployment, identity.uid});
}

Whole MemoryInUse(const Values& node) {
  const Whole total = node.Get(Quantity::kMemoryTotalBytes);
  const Whole available = node.Get(Quantity::kMemoryAvailableBytes);
  if (!total || !available || *available > *total) return std::nullopt;
  return *total - *available;
}

series::NodeReading BuildNode(const PageCache& cache, std::uint32_t page) {
  const Values node(cache.node, page);
  const Values machine(cache.machine, page);
  const Usage root = machine.OfCgroup();
  series::NodeReading out;
  out.usage = node.OfCgroup();
  Usage& usage = out.usage;
  usage.cpu_usage_usec = Or(usage.cpu_usage_usec, root.cpu_usage_usec);
  const Whole in_use = MemoryInUse(node);
  usage.memory_bytes = Or(in_use, root.memory_bytes);
  const Whole working_set = Or(in_use, Or(root.memory_working_set_bytes, root.memory_bytes));
  usage.memory_working_set_bytes = Or(usage.memory_working_set_bytes, working_set);
  usage.disk_read_bytes = Or(usage.disk_read_bytes, root.disk_read_bytes);
  usage.disk_write_bytes = Or(usage.disk_write_bytes, root.disk_write_bytes);
  (node.HasNetwork() ? node : machine).SetNetwork(usage);

  const auto cpus = static_cast<std::uint64_t>(std::ranges::count(cache.cpu_pages, page));
  out.cpu_capacity_millicores = cpus > 0 ? Whole(cpus * 1000) : machine.Get(Quantity::kCpuCores, 1000);
  out.memory_capacity_bytes = Or(node.Get(Quantity::kMemoryTotalBytes), machine.Get(Quantity::kMemoryTotalBytes));
  return out;
}

}  // namespace

series::TargetReading BuildReading(PageCache& cache, std::uint32_t page, bool has_pod_series) {
  series::TargetReading reading;
  reading.node_reading = BuildNode(cache, page);
  reading.age_ms = Values(cache.node, page).AgeMs();
  const PodBuilder builder(cache, page);
  reading.pods.reserve(cache.pods.size());
  for (Pod& pod : cache.pods) {
    if (pod.page != page) continue;
    series::PodReading pod_reading;
    if (!builder.Build(pod, has_pod_series, pod_reading)) continue;
    SetKey(cache, pod);
    pod_reading.key = pod.key;
    reading.pods.push_back(std::move(pod_reading));
  }
  return reading;
}

}  // namespace cloudmon::scrape
