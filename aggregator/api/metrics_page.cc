// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/metrics_page.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/series/metric_names.h"
#include "aggregator/series/model.h"
#include "common/exposition/metric_row.h"
#include "common/exposition/process_metrics.h"
#include "common/version.h"

namespace cloudmon::api {
namespace {

using exposition::MetricDef;
using exposition::MetricType;
using exposition::RenderLabels;
using exposition::Writer;
using series::Kind;

constexpr MetricDef kBuildInfo{"cloudmon_build_info", "Always 1; the label is the program's version.",
                               MetricType::kGauge};
constexpr MetricDef kTargets{
    "cloudmon_targets", "Scrape targets, and nodes that push, by the result of their last scrape.", MetricType::kGauge};
constexpr MetricDef kTargetUp{"cloudmon_target_up", "1 where the target's last scrape was good, else 0.",
                              MetricType::kGauge};
constexpr MetricDef kTargetDuration{"cloudmon_target_scrape_duration_seconds",
                                    "How long the target's last scrape took.", MetricType::kGauge};

constexpr MetricDef kIngestDocuments{"cloudmon_ingest_documents_total",
                                     "Pushed documents: ok, late (changed a bucket that was complete), or refused "
                                     "(another source reports the node, or too many nodes push).",
                                     MetricType::kCounter};

// A metric that is one number of a struct. Zero is a value, except where `absent_at_zero`.
template <class Stats, class Number>
struct StatMetric {
  MetricDef def;
  Number Stats::*value;
  bool absent_at_zero = false;
};

constexpr std::array<StatMetric<scrape::LoopStats, std::uint64_t>, 7> kLoopMetrics{{
    {{"cloudmon_scrapes_total", "Scrapes of targets.", MetricType::kCounter}, &scrape::LoopStats::scrapes},
    {{"cloudmon_scrape_failures_total", "Scrapes that failed; /api/targets says why.", MetricType::kCounter},
     &scrape::LoopStats::scrape_failures},
    {{"cloudmon_scrape_samples_total", "Samples read from targets.", MetricType::kCounter},
     &scrape::LoopStats::samples},
    {{"cloudmon_scrape_rejected_lines_total", "Lines of targets' pages that could not be read.", MetricType::kCounter},
     &scrape::LoopStats::rejected_lines},
    {{"cloudmon_late_samples_total", "Samples that came after their bucket was sealed.", MetricType::kCounter},
     &scrape::LoopStats::late_samples},
    {{"cloudmon_scrape_skipped_ticks_total", "Scrapes not made because the one before had not ended.",
      MetricType::kCounter},
     &scrape::LoopStats::skipped_ticks},
    {{"cloudmon_buckets_sealed_total", "Buckets completed.", MetricType::kCounter}, &scrape::LoopStats::buckets_sealed},
}};

constexpr std::array<StatMetric<store::StoreStats, std::size_t>, 3> kStoreSizes{{
    {{"cloudmon_store_members", "Nodes, pods, namespaces and deployments that the store knows.", MetricType::kGauge},
     &store::StoreStats::members},
    {{"cloudmon_store_head_points", "Points (members times buckets) held in memory.", MetricType::kGauge},
     &store::StoreStats::head_points},
    {{"cloudmon_store_write_queue", "Sealed buckets that are not yet in the database.", MetricType::kGauge},
     &store::StoreStats::write_queue},
}};

constexpr std::array<StatMetric<store::StoreStats, std::int64_t>, 2> kStoreTimes{{
    {{"cloudmon_store_oldest_bucket_timestamp_seconds", "Start of the oldest bucket.", MetricType::kGauge},
     &store::StoreStats::oldest_bucket_seconds,
     true},
    {{"cloudmon_store_newest_bucket_timestamp_seconds", "Start of the newest bucket.", MetricType::kGauge},
     &store::StoreStats::newest_bucket_seconds,
     true},
}};

constexpr std::array<StatMetric<store::StoreStats, std::uint64_t>, 4> kStoreCounters{{
    {{"cloudmon_store_buckets_written_total", "Buckets written to the database.", MetricType::kCounter},
     &store::StoreStats::buckets_written},
    {{"cloudmon_store_write_failures_total", "Writes to the database that failed and were tried again.",
      MetricType::kCounter},
     &store::StoreStats::write_failures},
    {{"cloudmon_store_buckets_lost_total",
      "Buckets that left memory before they could be written, or came too old for it.", MetricType::kCounter},
     &store::StoreStats::buckets_lost},
    {{"cloudmon_store_database_bytes", "Size of the database on disk.", MetricType::kGauge},
     &store::StoreStats::database_bytes},
}};

constexpr MetricDef kStoreAvailable{"cloudmon_store_available_bytes",
                                    "Space that is left for the database on its file system.", MetricType::kGauge};

using remote_write::ShipStats;
constexpr MetricDef kSendRequests{"cloudmon_remote_write_requests_total",
                                  "Requests to the receiver: ok, refused (4xx: its samples are dropped), or failed "
                                  "(429, 5xx, no answer: sent again).",
                                  MetricType::kCounter};
constexpr std::array<StatMetric<ShipStats, std::uint64_t>, 3> kSendCounters{{
    {{"cloudmon_remote_write_samples_total", "Samples that the receiver has taken.", MetricType::kCounter},
     &ShipStats::samples},
    {{"cloudmon_remote_write_samples_dropped_total", "Samples that the receiver refused for good.",
      MetricType::kCounter},
     &ShipStats::samples_dropped},
    {{"cloudmon_remote_write_retries_total", "Requests sent again after they failed.", MetricType::kCounter},
     &ShipStats::retries},
}};
constexpr MetricDef kSendLag{"cloudmon_remote_write_lag_seconds",
                             "From the newest bucket that was sent with all before it to the newest there is.",
                             MetricType::kGauge};
constexpr MetricDef kSendUp{"cloudmon_remote_write_up", "1 where the receiver took the last request, else 0.",
                            MetricType::kGauge};

// Pods are many, and their exporters show them: only their sums are on the page.
std::vector<series::MetricKind> RollupKinds() {
  std::vector<series::MetricKind> kinds(series::kMetricKinds.begin(), series::kMetricKinds.end());
  std::erase_if(kinds, [](const series::MetricKind& kind) { return kind.kind == Kind::kPod; });
  return kinds;
}

MetricType TypeOf(const series::MetricField& field) {
  const bool is_total = series::InfoOf(field.field).field_class == series::FieldClass::kTotal;
  return is_total ? MetricType::kCounter : MetricType::kGauge;
}

// Whole numbers stay whole on the page; the writer has no signed ones, and a negative value here is a fault elsewhere
// that should be seen.
template <class Number>
void AddNumber(Writer& writer, std::string_view labels, Number value) {
  if (std::cmp_less(value, 0)) {
    writer.Add(labels, static_cast<double>(value));
  } else {
    writer.Add(labels, static_cast<std::uint64_t>(value));
  }
}

void WriteAvailable(Writer& writer, const store::StoreStats& stats) {
  if (!stats.available_bytes) return;
  writer.Begin(kStoreAvailable);
  writer.Add("", *stats.available_bytes);
}

template <class Table, class Stats>
void WriteStats(Writer& writer, const Table& table, const Stats& stats) {
  for (const auto& metric : table) {
    const auto value = stats.*metric.value;
    if (value == 0 && metric.absent_at_zero) continue;
    writer.Begin(metric.def);
    AddNumber(writer, "", value);
  }
}

void WriteIngest(Writer& writer, const scrape::LoopStats& loop) {
  writer.Begin(kIngestDocuments);
  writer.Add(RenderLabels({{"result", "ok"}}), loop.pushes - loop.late_pushes);
  writer.Add(RenderLabels({{"result", "late"}}), loop.late_pushes);
  writer.Add(RenderLabels({{"result", "refused"}}), loop.push_refusals);
}

void WriteSending(Writer& writer, const ShipStats& stats, std::int64_t newest_bucket_seconds) {
  writer.Begin(kSendRequests);
  writer.Add(RenderLabels({{"result", "ok"}}), stats.requests_ok);
  writer.Add(RenderLabels({{"result", "refused"}}), stats.requests_refused);
  writer.Add(RenderLabels({{"result", "failed"}}), stats.requests_failed);
  WriteStats(writer, kSendCounters, stats);
  writer.Begin(kSendLag);
  AddNumber(writer, "", std::max<std::int64_t>(newest_bucket_seconds - stats.sent_until_seconds, 0));
  if (!stats.up) return;
  writer.Begin(kSendUp);
  writer.Add("", std::uint64_t{*stats.up});
}

void WriteTargets(Writer& writer, const std::vector<scrape::TargetStatus>& targets) {
  std::uint64_t up = 0;
  std::vector<std::string> labels;
  for (const auto& target : targets) {
    up += target.up ? 1 : 0;
    labels.push_back(RenderLabels({{"target", target.url}, {"node", target.node}}));
  }
  writer.Begin(kTargets);
  writer.Add(RenderLabels({{"state", "up"}}), up);
  writer.Add(RenderLabels({{"state", "down"}}), targets.size() - up);
  writer.Begin(kTargetUp);
  for (std::size_t i = 0; i < targets.size(); ++i) writer.Add(labels[i], std::uint64_t{targets[i].up});
  writer.Begin(kTargetDuration);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].last_scrape_ms != 0 && targets[i].source != "push")
      writer.Add(labels[i], targets[i].duration_seconds);
  }
}

std::string RollupLabels(const series::Member& member) {
  switch (member.kind) {
    case Kind::kNamespace:
      return RenderLabels({{"namespace", member.ns}});
    case Kind::kDeployment:
      return RenderLabels({{"namespace", member.ns}, {"deployment", member.deployment}});
    case Kind::kNode:
      return RenderLabels({{"node", member.node}});
    case Kind::kCluster:
    case Kind::kPod:
      break;
  }
  return {};
}

struct LabelledPoint {
  std::string labels;
  const series::Point* point;
};

std::vector<LabelledPoint> LastPointsOf(Kind kind, const std::vector<store::SeriesSlice>& rollups) {
  std::vector<LabelledPoint> found;
  for (const auto& slice : rollups) {
    if (slice.member->kind == kind && !slice.points.empty()) {
      found.push_back({RollupLabels(*slice.member), &slice.points.back()});
    }
  }
  return found;
}

void WriteRollups(Writer& writer, const std::vector<store::SeriesSlice>& rollups) {
  for (const series::MetricKind& kind : RollupKinds()) {
    const auto members = LastPointsOf(kind.kind, rollups);
    for (const series::MetricField& field : series::kMetricFields) {
      const std::string name = series::MetricName(kind, field);
      const std::string help = series::MetricHelp(kind, field);
      writer.Begin({name, help, TypeOf(field)});
      for (const auto& [labels, point] : members) {
        if (!point->Has(field.field)) continue;
        const std::int64_t value = point->Get(field.field);
        if (series::IsInMicroseconds(field.field)) {
          writer.Add(labels, series::MetricValue(field.field, value));
        } else {
          AddNumber(writer, labels, value);
        }
      }
    }
  }
}

void AppendRow(std::string& rows, const MetricDef& def, std::string_view labels) {
  rows += exposition::MetricRow(def, labels);
}

}  // namespace

std::string WriteMetricsPage(const MetricsInput& input, exposition::Format format) {
  std::string page;
  Writer writer(format, page);
  writer.Begin(kBuildInfo);
  writer.Add(RenderLabels({{"version", kVersion}}), std::uint64_t{1});
  WriteStats(writer, kLoopMetrics, input.loop);
  WriteIngest(writer, input.loop);
  WriteTargets(writer, input.targets);
  WriteStats(writer, kStoreSizes, input.store);
  WriteStats(writer, kStoreTimes, input.store);
  WriteStats(writer, kStoreCounters, input.store);
  WriteAvailable(writer, input.store);
  if (input.remote_write) WriteSending(writer, *input.remote_write, input.store.newest_bucket_seconds);
  WriteRollups(writer, input.rollups);
  writer.AddFamilies(input.requests);
  exposition::WriteProcessMetrics(writer, input.process);
  writer.Finish();
  return page;
}

std::string MetricsMarkdown() {
  std::string rows;
  AppendRow(rows, kBuildInfo, "version");
  for (const auto& metric : kLoopMetrics) AppendRow(rows, metric.def, "");
  AppendRow(rows, kIngestDocuments, "result");
  AppendRow(rows, kTargets, "state");
  AppendRow(rows, kTargetUp, "target, node");
  AppendRow(rows, kTargetDuration, "target, node");
  for (const auto& metric : kStoreSizes) AppendRow(rows, metric.def, "");
  for (const auto& metric : kStoreTimes) AppendRow(rows, metric.def, "");
  for (const auto& metric : kStoreCounters) AppendRow(rows, metric.def, "");
  AppendRow(rows, kStoreAvailable, "");
  AppendRow(rows, kSendRequests, "result");
  for (const auto& metric : kSendCounters) AppendRow(rows, metric.def, "");
  AppendRow(rows, kSendLag, "");
  AppendRow(rows, kSendUp, "");
  AppendRow(rows, kHttpRequests, "route, code");
  for (const MetricDef& def : exposition::ProcessMetrics()) AppendRow(rows, def, "");
  return rows;
}

std::string RollupsMarkdown() {
  std::string rows;
  for (const series::MetricKind& kind : series::kMetricKinds) {
    for (const series::MetricField& field : series::kMetricFields) {
      if (kind.kind == Kind::kPod && field.field == series::Field::kPods) continue;
      const std::string name = series::MetricName(kind, field);
      const std::string help = series::MetricHelp(kind, field);
      AppendRow(rows, {name, help, TypeOf(field)}, kind.labels);
    }
  }
  return rows;
}

}  // namespace cloudmon::api
