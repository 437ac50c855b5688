// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/writer.h"

#include <doctest/doctest.h>

#include <clocale>
#include <cmath>
#include <limits>
#include <locale>
#include <string>

#include "common/exposition/parser.h"
#include "tests/support/files.h"

using namespace cloudmon::exposition;
using prometheus::ClientMetric;
using prometheus::MetricFamily;

namespace {

constexpr MetricDef kCpu{"container_cpu_usage_seconds_total", "CPU time used, user plus system.", MetricType::kCounter};
constexpr MetricDef kMemory{"container_memory_rss", "A \\ and a\nnewline and a \"quote\".", MetricType::kGauge};
constexpr MetricDef kUnused{"unused_total", "Has no samples.", MetricType::kCounter};

ClientMetric Metric(std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  return metric;
}

std::vector<MetricFamily> AllTypes() {
  ClientMetric counter = Metric({{"path", "a\"b\\c\nd"}});
  counter.counter.value = 3;
  ClientMetric gauge = Metric({});
  gauge.gauge.value = -0.5;
  gauge.timestamp_ms = 1395066363123;
  ClientMetric untyped = Metric({{"a", "1"}, {"b", "2"}});
  untyped.untyped.value = std::numeric_limits<double>::quiet_NaN();
  ClientMetric summary = Metric({{"a", "1"}});
  summary.summary = {.sample_count = 7, .sample_sum = 1.5, .quantile = {{0.5, 0.1}, {1, 0.25}}};
  ClientMetric histogram = Metric({});
  histogram.histogram = {.sample_count = 9, .sample_sum = 12, .bucket = {{4, 0.1}, {8, 1}, {9, INFINITY}}};
  ClientMetric open_ended = Metric({{"a", "1"}});
  open_ended.histogram = {.sample_count = 9, .sample_sum = 12, .bucket = {{4, 1e6}}};
  using prometheus::MetricType;
  return {{"requests_total", "With _total.", MetricType::Counter, {counter}},
          {"old_style_requests", "Without _total.", MetricType::Counter, {counter}},
          {"level", "A \\ and a\nnewline and a \"quote\".", MetricType::Gauge, {gauge}},
          {"no_metrics", "Left out.", MetricType::Gauge, {}},
          {"what", "Untyped.", MetricType::Untyped, {untyped}},
          {"latency_seconds", "Summary.", MetricType::Summary, {summary}},
          {"size_bytes", "Histogram.", MetricType::Histogram, {histogram, open_ended}}};
}

std::string WholePage(Format format) {
  std::string page;
  Writer writer(format, page);
  const std::string labels = RenderLabels({{"namespace", "shop"}, {"pod", "web \"1\"\\\n"}});
  writer.Begin(kCpu);
  writer.Add(labels, 12.5);
  writer.Add({}, 1e-7);
  writer.Begin(kUnused);
  writer.Begin(kMemory);
  writer.Add(labels, std::uint64_t{UINT64_MAX});
  writer.Add(labels, RenderLabels({{"device", "sda"}}), std::uint64_t{0});
  writer.Add({}, RenderLabels({{"device", "sdb"}}), -std::numeric_limits<double>::infinity());
  writer.AddFamilies(AllTypes());
  writer.Finish();
  return page;
}

struct CommaPunct : std::numpunct<char> {
  [[nodiscard]] char do_decimal_point() const override { return ','; }
  [[nodiscard]] char do_thousands_sep() const override { return '.'; }
  [[nodiscard]] std::string do_grouping() const override { return "\3"; }
};

// Decimal commas for streams and, where such a locale is installed, for the C library too.
class CommaLocale {
 public:
  CommaLocale() : before_(std::locale::global(std::locale(std::locale::classic(), new CommaPunct))) {
    for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8"}) {
      if (std::setlocale(LC_ALL, name) != nullptr) break;
    }
  }
  ~CommaLocale() {
    std::setlocale(LC_ALL, "C");
    std::locale::global(before_);
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;

 private:
  std::locale before_;
};

}  // namespace

TEST_CASE("whole pages") {
  cloudmon::test::CheckGolden("exposition/page.txt", WholePage(Format::kText));
  cloudmon::test::CheckGolden("exposition/page.openmetrics.txt", WholePage(Format::kOpenMetrics));
}

TEST_CASE("a comma-decimal locale changes nothing") {
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    const std::string page = WholePage(format);
    const CommaLocale locale;
    CHECK(WholePage(format) == page);
    double first = 0;
    ParsePage(page, format, {.max_samples = 1}, [&](const Sample& sample) { first = sample.value; });
    CHECK(first == 12.5);
  }
}

TEST_CASE("the parser reads every line of a whole page") {
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    const ParseReport report = ParsePage(WholePage(format), format, {}, [](const Sample&) {});
    CHECK(report.rejected_lines == 0);
    CHECK(report.samples == 22);
    CHECK(report.complete);
  }
}

TEST_CASE("an empty page") {
  std::string text;
  Writer(Format::kText, text).Finish();
  CHECK(text.empty());
  std::string open_metrics;
  Writer(Format::kOpenMetrics, open_metrics).Finish();
  CHECK(open_metrics == "# EOF\n");
}

TEST_CASE("RenderLabels") {
  CHECK(RenderLabels({}).empty());
  CHECK(RenderLabels({{"a", ""}}) == R"(a="")");
  CHECK(RenderLabels({{"a", "x"}, {"b", "\\\"\n"}}) == R"(a="x",b="\\\"\n")");
}
