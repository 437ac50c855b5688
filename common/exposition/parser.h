// SPDX-License-Identifier: Apache-2.0
// Reads a page in Prometheus text format 0.0.4 or OpenMetrics 1.0.0. Pure; safe to call from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/exposition/format.h"
#include "common/result.h"

namespace cloudmon::exposition {

// One sample line. `head` is the text up to the value, e.g. `container_memory_rss{pod="a",namespace="b"}`: the same
// series has the same head in every scrape, so a reader may keep what it found out about a head and skip its labels the
// next time.
struct Sample {
  std::string_view head;
  double value = 0;
  std::optional<std::int64_t> timestamp_ms;
};

struct ParseLimits {
  std::size_t max_samples = 1'000'000;
  std::size_t max_line_bytes = 64U << 10U;
};

struct ParseReport {
  std::size_t samples = 0;
  std::size_t rejected_lines = 0;
  std::size_t first_error_line = 0;  // counted from 1; 0: no error
  std::string first_error;           // "line 7: no value after 'up'"
  bool over_sample_limit = false;    // parsing stopped at max_samples
  bool complete = true;              // OpenMetrics: the page ended in "# EOF"
};

// How many bytes at the begin of a sample line are a head that the caller knows already and that need not be checked:
// what follows them is the value. 0: it does not know; the line is parsed.
using KnownHead = std::function<std::size_t(std::string_view line)>;

// Calls `sink` for each sample in order. Comments, HELP, TYPE and UNIT lines, blank lines, timestamps (milliseconds in
// text, seconds in OpenMetrics) and exemplars are understood; a bad line is counted and the rest kept. A last line
// without a newline in text format counts as bad when it does not parse, in OpenMetrics always; so does text after
// "# EOF". The whole head is checked: ParseHead refuses one that came from here only over its limits or for a label
// given twice. `known_head`, where there is one, is asked before each sample line is parsed. Does not copy: views are
// valid during the call only.
ParseReport ParsePage(std::string_view body, Format format, const ParseLimits& limits,
                      const std::function<void(const Sample&)>& sink, const KnownHead& known_head = nullptr);

struct HeadLimits {
  std::size_t max_labels = 64;
  std::size_t max_label_name_bytes = 1024;
  std::size_t max_label_value_bytes = 4096;
};

struct Label {
  std::string name;
  std::string value;  // unescaped, valid UTF-8 (invalid bytes replaced)
};

struct Head {
  std::string name;
  std::vector<Label> labels;

  // The label's value, or empty.
  [[nodiscard]] std::string_view Find(std::string_view label) const;
};

// Parses a Sample's head. Errors: kParse naming what is wrong, kLimit naming the limit.
Result<Head> ParseHead(std::string_view head, const HeadLimits& limits);

}  // namespace cloudmon::exposition
