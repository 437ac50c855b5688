// SPDX-License-Identifier: Apache-2.0
// What Writer writes, the parser reads back.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "common/exposition/parser.h"
#include "common/exposition/writer.h"

using namespace cloudmon::exposition;

namespace {

constexpr MetricDef kGauge{"some_gauge", "A gauge.", MetricType::kGauge};

// Mostly ASCII, all of it (also NUL, quotes, backslashes, newlines), and longer sequences now and then.
std::string RandomText(std::mt19937_64& random) {
  std::string out;
  for (std::size_t length = random() % 12; out.size() < length;) {
    const std::uint64_t kind = random() % 8;
    if (kind == 0) {
      out += "\xE2\x82\xAC";
    } else if (kind < 3) {
      out += "\\\"\n{}=,# "[random() % 10];
    } else {
      out += static_cast<char>(random() % 128);
    }
  }
  return out;
}

std::vector<Label> RandomLabels(std::mt19937_64& random) {
  std::vector<Label> labels;
  for (std::size_t count = random() % 5; labels.size() < count;) {
    labels.push_back({"l" + std::to_string(labels.size()), RandomText(random)});
  }
  return labels;
}

std::string Render(const std::vector<Label>& labels) {
  std::vector<std::pair<std::string_view, std::string_view>> views;
  for (const Label& label : labels) views.emplace_back(label.name, label.value);
  return RenderLabels(views);
}

// Any bit pattern; a quarter of them whole numbers, which take another path.
double RandomDouble(std::mt19937_64& random) {
  if (random() % 4 == 0) return static_cast<double>(random() >> (random() % 64));
  return std::bit_cast<double>(random());
}

bool Same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

}  // namespace

TEST_CASE("random labels and values come back as they were") {
  std::mt19937_64 random(1);  // NOLINT: the same sequence each time
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    std::vector<std::vector<Label>> all_labels;
    std::vector<double> values;
    std::string page;
    Writer writer(format, page);
    writer.Begin(kGauge);
    for (int i = 0; i < 5000; ++i) {
      all_labels.push_back(RandomLabels(random));
      values.push_back(RandomDouble(random));
      writer.Add(Render(all_labels.back()), values.back());
    }
    writer.Finish();

    std::size_t at = 0;
    const ParseReport report = ParsePage(page, format, {}, [&](const Sample& sample) {
      CAPTURE(sample.head);
      const auto head = ParseHead(sample.head, {});
      REQUIRE(head.ok());
      CHECK(head.value().name == kGauge.name);
      REQUIRE(head.value().labels.size() == all_labels[at].size());
      for (std::size_t i = 0; i < all_labels[at].size(); ++i) {
        CHECK(head.value().labels[i].name == all_labels[at][i].name);
        CHECK(head.value().labels[i].value == all_labels[at][i].value);
      }
      CHECK(Same(sample.value, values[at]));
      ++at;
    });
    CHECK(at == values.size());
    CHECK(report.rejected_lines == 0);
    CHECK(report.complete);
  }
}
