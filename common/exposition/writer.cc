// SPDX-License-Identifier: Apache-2.0
// Sources: "Exposition formats" of the Prometheus documentation; OpenMetrics 1.0.0.
#include "common/exposition/writer.h"

#include <cmath>

#include "common/text.h"

namespace cloudmon::exposition {
namespace {

constexpr std::string_view kTotal = "_total";

void AppendEscaped(std::string& out, std::string_view text, bool escape_quotes) {
  const std::string_view special = escape_quotes ? std::string_view("\\\n\"") : std::string_view("\\\n");
  while (true) {
    const auto at = text.find_first_of(special);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return;
    out += '\\';
    out += text[at] == '\n' ? 'n' : text[at];
    text.remove_prefix(at + 1);
  }
}

void AppendLabel(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  out += name;
  out += "=\"";
  AppendEscaped(out, value, true);
  out += '"';
}

// "# HELP name help" and "# TYPE name type". In OpenMetrics quotes are escaped in the help too.
void AppendMetadata(std::string& out, Format format, std::string_view family, std::string_view help,
                    std::string_view type) {
  out.append("# HELP ").append(family).append(" ");
  AppendEscaped(out, help, format == Format::kOpenMetrics);
  out.append("\n# TYPE ").append(family).append(" ").append(type).append("\n");
}

// What the samples of a family are called: in OpenMetrics a counter is `x` in the metadata and `x_total` in its
// samples.
struct Names {
  std::string_view family;
  std::string_view suffix;  // after `family` in each sample
};

Names NamesOf(Format format, std::string_view name, bool counter) {
  if (format == Format::kText || !counter) return {name, {}};
  if (name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  return {name, kTotal};
}

// The value of a label `le` or `quantile`: OpenMetrics wants whole numbers as "1.0".
std::string Bound(Format format, double bound) {
  std::string out;
  text::AppendNumber(out, bound);
  const bool whole = out.find_first_not_of("-0123456789") == std::string::npos;
  if (format == Format::kOpenMetrics && whole) out += ".0";
  return out;
}

// Writes the samples of one metric of a prometheus-cpp family.
class SampleWriter {
 public:
  SampleWriter(Format format, std::string& out, Names names, const prometheus::ClientMetric& metric)
      : format_(format), out_(out), names_(names), timestamp_ms_(metric.timestamp_ms) {
    for (const auto& label : metric.label) AppendLabel(labels_, label.name, label.value);
  }

  template <class Number>
  void Write(std::string_view suffix, Number value, std::string_view bound_name = {}, double bound = 0) {
    std::string labels = labels_;
    if (!bound_name.empty()) AppendLabel(labels, bound_name, Bound(format_, bound));
    out_.append(names_.family).append(names_.suffix).append(suffix);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_ += ' ';
    text::AppendNumber(out_, value);
    AppendTimestamp();
    out_ += '\n';
  }

 private:
  void AppendTimestamp() {
    if (timestamp_ms_ == 0) return;  // prometheus-cpp's "none"
    out_ += ' ';
    if (format_ == Format::kText) {
      text::AppendNumber(out_, timestamp_ms_);
    } else {
      text::AppendNumber(out_, static_cast<double>(timestamp_ms_) / 1000);
    }
  }

  Format format_;
  std::string& out_;
  Names names_;
  std::int64_t timestamp_ms_;
  std::string labels_;
};

void WriteHistogram(SampleWriter& out, const prometheus::ClientMetric::Histogram& histogram) {
  bool has_infinity = false;  // the last bucket must be there, and counts all
  for (const auto& bucket : histogram.bucket) {
    has_infinity = has_infinity || (std::isinf(bucket.upper_bound) && bucket.upper_bound > 0);
    out.Write("_bucket", bucket.cumulative_count, "le", bucket.upper_bound);
  }
  if (!has_infinity) out.Write("_bucket", histogram.sample_count, "le", INFINITY);
  out.Write("_sum", histogram.sample_sum);
  out.Write("_count", histogram.sample_count);
}

void WriteSummary(SampleWriter& out, const prometheus::ClientMetric::Summary& summary) {
  for (const auto& quantile : summary.quantile) out.Write("", quantile.value, "quantile", quantile.quantile);
  out.Write("_sum", summary.sample_sum);
  out.Write("_count", summary.sample_count);
}

void WriteMetric(SampleWriter out, prometheus::MetricType type, const prometheus::ClientMetric& metric) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return out.Write("", metric.counter.value);
    case prometheus::MetricType::Gauge:
      return out.Write("", metric.gauge.value);
    case prometheus::MetricType::Untyped:
      return out.Write("", metric.untyped.value);
    case prometheus::MetricType::Summary:
      return WriteSummary(out, metric.summary);
    case prometheus::MetricType::Histogram:
      return WriteHistogram(out, metric.histogram);
  }
}

std::string_view TypeName(Format format, prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter:
      return "counter";
    case prometheus::MetricType::Gauge:
      return "gauge";
    case prometheus::MetricType::Summary:
      return "summary";
    case prometheus::MetricType::Histogram:
      return "histogram";
    case prometheus::MetricType::Untyped:
      break;
  }
  return format == Format::kOpenMetrics ? "unknown" : "untyped";
}

}  // namespace

std::string RenderLabels(std::span<const std::pair<std::string_view, std::string_view>> labels) {
  std::string out;
  for (const auto& [name, value] : labels) AppendLabel(out, name, value);
  return out;
}

std::string RenderLabels(std::initializer_list<std::pair<std::string_view, std::string_view>> labels) {
  return RenderLabels(std::span(labels.begin(), labels.size()));
}

void Writer::Begin(const MetricDef& def) {
  def_ = def;
  header_written_ = false;
}

void Writer::WriteHead(std::string_view labels, std::string_view extra) {
  const bool counter = def_.type == MetricType::kCounter;
  const Names names = NamesOf(format_, def_.name, counter);
  if (!header_written_) {
    AppendMetadata(out_, format_, names.family, def_.help, counter ? "counter" : "gauge");
    header_written_ = true;
  }
  out_.append(names.family).append(names.suffix);
  if (!labels.empty() || !extra.empty()) {
    out_ += '{';
    out_ += labels;
    if (!labels.empty() && !extra.empty()) out_ += ',';
    out_ += extra;
    out_ += '}';
  }
  out_ += ' ';
}

void Writer::Add(std::string_view labels, double value) {
  Add(labels, {}, value);
}

void Writer::Add(std::string_view labels, std::uint64_t value) {
  Add(labels, {}, value);
}

void Writer::Add(std::string_view labels, std::string_view extra, double value) {
  WriteHead(labels, extra);
  text::AppendNumber(out_, value);
  out_ += '\n';
}

void Writer::Add(std::string_view labels, std::string_view extra, std::uint64_t value) {
  WriteHead(labels, extra);
  text::AppendNumber(out_, value);
  out_ += '\n';
}

void Writer::AddFamilies(const std::vector<prometheus::MetricFamily>& families) {
  for (const auto& family : families) {
    if (family.metric.empty()) continue;
    const Names names = NamesOf(format_, family.name, family.type == prometheus::MetricType::Counter);
    AppendMetadata(out_, format_, names.family, family.help, TypeName(format_, family.type));
    for (const auto& metric : family.metric) {
      WriteMetric(SampleWriter(format_, out_, names, metric), family.type, metric);
    }
  }
}

void Writer::Finish() {
  if (format_ == Format::kOpenMetrics) out_ += "# EOF\n";
}

}  // namespace cloudmon::exposition
