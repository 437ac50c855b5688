// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/build_reading.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  explicit Values(const Totals& totals) : totals_(totals) {}

  [[nodiscard]] bool Has(Quantity quantity) const { return totals_.Has(quantity); }

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
  [[nodiscard]] bool HasStart() const { return Has(Quantity::kStartSeconds); }
  [[nodiscard]] bool HasNetwork() const { return Has(Quantity::kNetworkRxBytes) || Has(Quantity::kNetworkTxBytes); }

 private:
  const Totals& totals_;
};

class PodBuilder {
 public:
  PodBuilder(const PageCache& cache, const PageValues& values) : cache_(cache), values_(values) {}

  // False when the page has no value of this pod.
  bool Build(const Pod& pod, const PodValues& own, bool has_pod_series, series::PodReading& out) {
    bool any = SetNetwork(pod, out.usage);
    SetStart(pod, out);
    if (has_pod_series) {
      const Values cgroup(own.totals);
      SetCgroup(cgroup, out.usage);
      return any || cgroup.HasCgroup();
    }
    for (const Newest& newest : NewestOf(pod, &Values::HasCgroup)) {
      if (newest.container == PageCache::kPodRow || newest.container == PageCache::kPause) continue;
      out.containers.push_back({cache_.containers[newest.container], Of(newest.instance).OfCgroup()});
    }
    if (out.containers.empty()) any = SetFromPodRow(pod, out.usage) || any;
    return any || !out.containers.empty();
  }

 private:
  struct Newest {
    std::uint32_t container, instance;
  };

  [[nodiscard]] Values Of(std::uint32_t instance) const { return Values(values_.instances[instance]); }
  [[nodiscard]] double StartOf(std::uint32_t instance) const { return Of(instance).Start().value_or(0); }

  template <class Take>
  void ForEachInstance(const Pod& pod, const Take& take) const {
    for (std::uint32_t i = pod.first_instance; i != kNone; i = cache_.instances[i].next) take(i);
  }

  // Of each container's instances that have values of the kind: the one that started last, else the one first seen
  // last. Valid until the next call.
  const std::vector<Newest>& NewestOf(const Pod& pod, bool (Values::*has)() const) {
    newest_.clear();
    ForEachInstance(pod, [&](std::uint32_t instance) {
      if (!(Of(instance).*has)()) return;
      const std::uint32_t container = cache_.instances[instance].container;
      const auto at = std::ranges::find(newest_, container, &Newest::container);
      if (at == newest_.end()) {
        newest_.push_back({container, instance});
      } else if (StartOf(instance) >= StartOf(at->instance)) {
        at->instance = instance;
      }
    });
    return newest_;
  }

  static void SetCgroup(const Values& cgroup, Usage& usage) {
    const Usage network = usage;
    usage = cgroup.OfCgroup();
    usage.network_rx_bytes = network.network_rx_bytes;
    usage.network_tx_bytes = network.network_tx_bytes;
  }

  // A pod has one network namespace, whichever of its cgroups a page shows it with.
  bool SetNetwork(const Pod& pod, Usage& usage) {
    const auto& all = NewestOf(pod, &Values::HasNetwork);
    const auto newest = std::ranges::max_element(all, {}, [&](const Newest& n) { return StartOf(n.instance); });
    if (newest == all.end()) return false;
    Of(newest->instance).SetNetwork(usage);
    return true;
  }

  // Of each container the newest instance's: the one whose usage counts.
  void SetStart(const Pod& pod, series::PodReading& out) {
    std::optional<double> pod_row;
    for (const Newest& newest : NewestOf(pod, &Values::HasStart)) {
      const double start = StartOf(newest.instance);
      std::optional<double>& oldest = newest.container == PageCache::kPodRow ? pod_row : out.start_time_seconds;
      if (!oldest || start < *oldest) oldest = start;
    }
    if (!out.start_time_seconds) out.start_time_seconds = pod_row;
  }

  // The row with the shortest id: the pod's cgroup rather than its pause container's, which lies within.
  bool SetFromPodRow(const Pod& pod, Usage& usage) const {
    std::optional<std::uint32_t> best;
    ForEachInstance(pod, [&](std::uint32_t i) {
      const Instance& instance = cache_.instances[i];
      if (instance.container != PageCache::kPodRow || !Of(i).HasCgroup()) return;
      if (!best || instance.id_bytes < cache_.instances[*best].id_bytes) best = i;
    });
    if (best) SetCgroup(Of(*best), usage);
    return best.has_value();
  }

  const PageCache& cache_;
  const PageValues& values_;
  std::vector<Newest> newest_;
};

void SetKey(const PageCache& cache, const PodValues& values, Pod& pod) {
  if (values.identity == std::exchange(pod.key_identity, values.identity)) return;
  const Identity& identity = cache.identities[values.identity];
  const std::string_view deployment = cache.Deployment(identity);
  const std::string_view uid = cache.Uid(identity);
  if (pod.key->deployment == deployment && pod.key->uid == uid) return;
  pod.key = std::make_shared<series::PodKey>(pod.key->ns, pod.key->pod, deployment, uid);
}

Whole MemoryInUse(const Values& node) {
  const Whole total = node.Get(Quantity::kMemoryTotalBytes);
  const Whole available = node.Get(Quantity::kMemoryAvailableBytes);
  if (!total || !available || *available > *total) return std::nullopt;
  return *total - *available;
}

series::NodeReading BuildNode(const PageValues& values) {
  const Values node(values.node);
  const Values machine(values.machine);
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

  const auto cpus = static_cast<std::uint64_t>(std::ranges::count(values.cpus, true));
  out.cpu_capacity_millicores = cpus > 0 ? Whole(cpus * 1000) : machine.Get(Quantity::kCpuCores, 1000);
  out.memory_capacity_bytes = Or(node.Get(Quantity::kMemoryTotalBytes), machine.Get(Quantity::kMemoryTotalBytes));
  return out;
}

}  // namespace

series::TargetReading BuildReading(PageCache& cache, const PageValues& values, bool has_pod_series) {
  series::TargetReading reading;
  reading.node_reading = BuildNode(values);
  reading.age_ms = Values(values.node).AgeMs();
  PodBuilder builder(cache, values);
  reading.pods.reserve(cache.pods.size());
  for (std::size_t i = 0; i < cache.pods.size(); ++i) {
    if (!values.pods[i].seen) continue;
    series::PodReading& pod = reading.pods.emplace_back();
    if (builder.Build(cache.pods[i], values.pods[i], has_pod_series, pod)) {
      SetKey(cache, values.pods[i], cache.pods[i]);
      pod.key = cache.pods[i].key;
    } else {
      reading.pods.pop_back();
    }
  }
  return reading;
}

}  // namespace cloudmon::scrape
