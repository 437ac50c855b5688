// SPDX-License-Identifier: Apache-2.0
// Reads the node when a page or a document to push is asked for, and writes it.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/exposition/format.h"
#include "common/process_stats.h"
#include "common/result.h"
#include "exporter/cgroup/reader.h"
#include "exporter/config.h"
#include "exporter/identity/resolver.h"
#include "exporter/oom_tally.h"
#include "exporter/proc/reader.h"
#include "exporter/push/stats.h"
#include "exporter/snapshot.h"

namespace cloudmon {

// Thread-safe: one pass at a time; a page or document asked for within kShareMs of the last pass is made from that
// pass, so that two who ask do not disturb each other.
class Collector {
 public:
  // Half of the shortest scrape interval (1 s): who asks once an interval never gets the same pass twice.
  static constexpr std::int64_t kShareMs = 500;

  // `probe`, `clock` and `push` must outlive the collector. `push`: shown on the page; null where pushing is off.
  Collector(const ExporterConfig& config, std::vector<std::unique_ptr<identity::Source>> sources,
            const identity::Probe& probe, const Clock& clock, const push::Stats* push = nullptr);

  // The whole page. Never fails: what could not be read is absent and counted in cloudmon_collector_errors_total.
  [[nodiscard]] std::string Page(exposition::Format format);

  // The same pass as a document to push, with the time of the pass.
  [[nodiscard]] std::string PushDocument();

 private:
  void Refresh();
  void Collect();
  void Timed(const char* collector, const std::function<void()>& body);
  void AddError(const char* collector, const Error& error);
  void LogError(const char* collector, const Error& error);
  void CountErrors(const char* collector, ErrorCode code, std::uint64_t count);
  void CollectNode();
  void CollectFileSystems();
  void CollectPods();
  void NameDevices();
  void CollectNetwork();
  [[nodiscard]] bool ReadNetwork(NamedPod& pod, const PodProcess& process);

  const CollectorSwitches switches_;
  const std::string procfs_;
  const Clock& clock_;
  const push::Stats* const push_;

  std::mutex mu_;  // guards all below
  cgroup::CgroupReader cgroups_;
  proc::NodeReader node_;
  proc::ProcessReader processes_;
  identity::Resolver resolver_;
  OomTally oom_tally_;
  // Cgroups of containers that were seen in a network of their own, in which they stay. One on the host's network may
  // be about to leave it: its runtime still prepares it.
  std::set<std::string> own_network_;
  NodeSnapshot snapshot_;
  ProcessStats process_;
  std::size_t unidentified_pods_ = 0;
  std::int64_t collected_at_ms_ = INT64_MIN / 2;  // steady time
  std::int64_t collected_unix_ms_ = 0;
  std::size_t last_page_bytes_ = 0;
  std::uint64_t errors_in_pass_ = 0;
  std::map<std::string, std::string, std::less<>> last_logged_;  // by collector: the message that was logged last

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Gauge>& duration_;
  prometheus::Family<prometheus::Gauge>& success_;
  prometheus::Family<prometheus::Counter>& errors_;
};

}  // namespace cloudmon
