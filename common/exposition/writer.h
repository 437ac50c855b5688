// SPDX-License-Identifier: Apache-2.0
// Writes pages in both text formats, from values or from prometheus-cpp's families.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/exposition/format.h"

namespace cloudmon::exposition {

enum class MetricType : std::uint8_t { kCounter, kGauge };

// A metric is declared once, as one of these; docs and tests read the same tables.
struct MetricDef {
  std::string_view name;  // counters end in _total
  std::string_view help;  // one line
  MetricType type;
  std::string_view unit = {};  // where the name does not end in it
};

// Renders `a="x",b="y"` with values escaped: rendered once for each container and reused for all of its series.
// Values must be valid UTF-8. Thread-safe.
[[nodiscard]] std::string RenderLabels(std::span<const std::pair<std::string_view, std::string_view>> labels);
[[nodiscard]] std::string RenderLabels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels);

// Appends a page to `out`: Begin a metric, add its samples, Begin the next; Finish at the end. A metric without samples
// leaves no trace. One thread at a time.
class Writer {
 public:
  Writer(Format format, std::string& out) : format_(format), out_(out) {}

  void Begin(const MetricDef& def);
  // `labels` as RenderLabels gives them, may be empty; `extra` the same, for labels of one series (device, interface).
  void Add(std::string_view labels, double value);
  void Add(std::string_view labels, std::uint64_t value);
  void Add(std::string_view labels, std::string_view extra, double value);
  void Add(std::string_view labels, std::string_view extra, std::uint64_t value);

  // Families of prometheus-cpp (all types), with HELP escaped; those without metrics are left out. In OpenMetrics the
  // samples of a counter whose name lacks _total get it, as the format demands.
  void AddFamilies(const std::vector<prometheus::MetricFamily>& families);

  // Ends the page ("# EOF" in OpenMetrics).
  void Finish();

 private:
  void WriteHead(std::string_view labels, std::string_view extra);

  Format format_;
  std::string& out_;
  MetricDef def_{};
  bool header_written_ = false;
};

}  // namespace cloudmon::exposition
