// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/parser.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/exposition/grammar.h"
#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::exposition {
namespace {

using grammar::Fault;
using grammar::View;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool EndsToken(const char* at, const char* end) {
  return at == end || grammar::IsBlank(*at);
}

std::string_view CutTokenAt(const char*& at, const char* end) {
  const char* begin = at;
  while (!EndsToken(at, end)) ++at;
  return View(begin, at);
}

// Whole numbers of up to 19 digits, which fit 64 bits: most values are such.
bool CutWholeNumber(const char*& at, const char* end, double& value) {
  constexpr int kMaxDigits = 19;
  std::uint64_t whole = 0;
  const char* digit = at;
  while (digit != end && IsDigit(*digit) && digit - at < kMaxDigits) {
    whole = whole * 10 + static_cast<std::uint64_t>(*digit++ - '0');
  }
  if (digit == at || !EndsToken(digit, end)) return false;
  at = digit;
  value = static_cast<double>(whole);
  return true;
}

bool CutNumber(const char*& at, const char* end, double& value) {
  if (CutWholeNumber(at, end, value)) return true;
  if (at != end && (IsDigit(*at) || *at == '.')) {
    const auto [stop, error] = std::from_chars(at, end, value);
    at = stop;
    return error == std::errc{} && EndsToken(stop, end);
  }
  const std::string_view token = CutTokenAt(at, end);  // signs, infinities, NaN
  const auto number = text::ParseDouble(token);
  if (!number.ok() || token.back() == ')')
    return false;  // from_chars reads "nan(text)", the formats have no such thing
  value = number.value();
  return true;
}

// Milliseconds in text, seconds in OpenMetrics.
bool CutTimestamp(const char*& at, const char* end, Format format, std::int64_t& timestamp_ms) {
  if (format == Format::kText) {
    const auto [stop, error] = std::from_chars(at, end, timestamp_ms);
    at = stop;
    return error == std::errc{} && EndsToken(stop, end);
  }
  constexpr double kMaxMs = 9e15;  // doubles are exact to the millisecond up to here
  const auto seconds = text::ParseDouble(CutTokenAt(at, end));
  if (!seconds.ok() || !(std::abs(seconds.value() * 1000) < kMaxMs)) return false;
  timestamp_ms = std::llround(seconds.value() * 1000);
  return true;
}

// One sample line without its newline and without blanks at its begin. An exemplar ("# {...} 1") is skipped unread.
Fault ParseLine(const char* at, const char* end, Format format, const ParseLimits& limits, const KnownHead& known_head,
                Sample& sample) {
  if (View(at, end).size() > limits.max_line_bytes) return {"longer than max_line_bytes:", View(at, end)};
  const char* begin = at;
  const std::size_t known_bytes = known_head ? known_head(View(at, end)) : 0;
  std::string_view name = View(at, at + known_bytes);
  if (known_bytes > 0) {
    at += known_bytes;
  } else if (Fault fault = grammar::ScanHead(at, end, name, [](auto, auto) { return Fault{}; }); fault.any()) {
    return fault;
  }
  sample.head = View(begin, at);
  sample.timestamp_ms.reset();
  const char* value = grammar::SkipBlanks(at, end);
  if (value == end) return {"no value after", name};
  if (value == at && *(at - 1) != '}') return {"not a metric name:", CutTokenAt(begin, end)};
  at = value;
  if (!CutNumber(at, end, sample.value)) return {"not a number:", View(value, end)};
  at = grammar::SkipBlanks(at, end);
  if (at == end || *at == '#') return {};
  const char* timestamp = at;
  if (!CutTimestamp(at, end, format, sample.timestamp_ms.emplace())) return {"not a timestamp:", View(timestamp, end)};
  at = grammar::SkipBlanks(at, end);
  if (at != end && *at != '#') return {"text after the timestamp:", View(at, end)};
  return {};
}

void CountBadLine(ParseReport& report, std::size_t line_number, const Fault& fault) {
  constexpr std::size_t kShownBytes = 64;
  ++report.rejected_lines;
  if (report.first_error_line != 0) return;
  report.first_error_line = line_number;
  report.first_error = "line " + std::to_string(line_number) + ": " + std::string(fault.what);
  if (!fault.shown.empty()) report.first_error += " '" + SanitizeUtf8(fault.shown.substr(0, kShownBytes)) + "'";
}

bool OnlyBlanks(std::string_view text) {
  return text::Trim(text).empty();
}

}  // namespace

ParseReport ParsePage(std::string_view body, Format format, const ParseLimits& limits,
                      const std::function<void(const Sample&)>& sink, const KnownHead& known_head) {
  ParseReport report;
  report.complete = format == Format::kText;
  Sample sample;
  std::size_t line_number = 0;
  const char* const page_end = body.data() + body.size();
  for (const char* next = body.data(); next != page_end;) {
    const char* at = next;
    const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(page_end - at)));
    const char* end = newline != nullptr ? newline : page_end;
    next = newline != nullptr ? newline + 1 : page_end;
    ++line_number;
    if (end != at && end[-1] == '\r') --end;
    at = grammar::SkipBlanks(at, end);
    if (at == end) continue;
    if (*at == '#') {
      if (format == Format::kText || View(at, end) != "# EOF") continue;
      report.complete = OnlyBlanks(View(next, page_end));
      if (!report.complete) CountBadLine(report, line_number + 1, {"text after # EOF", {}});
      break;
    }
    if (report.samples == limits.max_samples) {
      report.over_sample_limit = true;
      break;
    }
    const bool cut_off = newline == nullptr && format == Format::kOpenMetrics;
    const Fault fault = cut_off ? Fault{"the page ends within this line", {}}  // its value may have lost digits
                                : ParseLine(at, end, format, limits, known_head, sample);
    if (fault.any()) {
      CountBadLine(report, line_number, fault);
      continue;
    }
    ++report.samples;
    sink(sample);
  }
  return report;
}

}  // namespace cloudmon::exposition
