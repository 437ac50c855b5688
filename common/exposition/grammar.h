// SPDX-License-Identifier: Apache-2.0
// Internal to the parser: the grammar of a sample's head, in one place for ParsePage and ParseHead, so that what the
// one lets through the other can read. Inline because this is the hot path of the aggregator. Pure, thread-safe.
// Sources: "Exposition formats" of the Prometheus documentation; OpenMetrics 1.0.0, section "Text format".
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cloudmon::exposition::grammar {

inline bool IsBlank(char c) {
  return c == ' ' || c == '\t';
}

inline const char* SkipBlanks(const char* at, const char* end) {
  while (at != end && IsBlank(*at)) ++at;
  return at;
}

enum CharClass : std::uint8_t { kLabelStart = 1, kLabelRest = 2, kMetricStart = 4, kMetricRest = 8 };

inline constexpr std::array<std::uint8_t, 256> kCharClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = 15;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = kLabelRest | kMetricRest;
  table['_'] = 15;
  table[':'] = kMetricStart | kMetricRest;
  return table;
}();

// The end of the name that begins at `at`; `at` itself where none does.
inline const char* ScanName(const char* at, const char* end, CharClass start, CharClass rest) {
  const auto is = [](char c, CharClass wanted) { return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0; };
  if (at == end || !is(*at, start)) return at;
  ++at;
  while (at != end && is(*at, rest)) ++at;
  return at;
}

// The quote that closes the label value beginning at `at`, or nullptr.
inline const char* FindClosingQuote(const char* at, const char* end) {
  const char* quote = at;
  while ((quote = static_cast<const char*>(std::memchr(quote, '"', static_cast<std::size_t>(end - quote)))) !=
         nullptr) {
    const char* backslashes = quote;
    while (backslashes != at && backslashes[-1] == '\\') --backslashes;
    if ((quote - backslashes) % 2 == 0) return quote;  // an odd number escapes it
    ++quote;
  }
  return nullptr;
}

// What is wrong with a line, and the part of it to show; `what` is static text, empty where nothing is wrong.
struct Fault {
  std::string_view what;
  std::string_view shown;
  [[nodiscard]] bool any() const { return !what.empty(); }
};

inline std::string_view View(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// Scans what stands after '{' and moves `at` behind the matching '}'. `on_label(name, escaped_value)` is called for
// each label and returns a Fault to stop.
template <class OnLabel>
Fault ScanLabels(const char*& at, const char* end, const OnLabel& on_label) {
  while (true) {
    at = SkipBlanks(at, end);
    if (at != end && *at == '}') break;
    const char* name = at;
    at = ScanName(at, end, kLabelStart, kLabelRest);
    const std::string_view label = View(name, at);
    if (label.empty()) return {"no label name at", View(at, end)};
    at = SkipBlanks(at, end);
    if (at == end || *at != '=') return {"no '=' after label", label};
    at = SkipBlanks(at + 1, end);
    if (at == end || *at != '"') return {"no quote before the value of label", label};
    const char* value = at + 1;
    at = FindClosingQuote(value, end);
    if (at == nullptr) {
      at = end;
      return {"no quote after the value of label", label};
    }
    if (Fault fault = on_label(label, View(value, at)); fault.any()) return fault;
    at = SkipBlanks(at + 1, end);
    if (at != end && *at == ',') {
      ++at;
    } else if (at == end || *at != '}') {
      return {"no ',' or '}' after label", label};
    }
  }
  ++at;
  return {};
}

// Scans `name` or `name{label="value",...}` and moves `at` behind it, with `name` set.
template <class OnLabel>
Fault ScanHead(const char*& at, const char* end, std::string_view& name, const OnLabel& on_label) {
  const char* begin = at;
  at = ScanName(begin, end, kMetricStart, kMetricRest);
  name = View(begin, at);
  if (name.empty()) return {"no metric name at", View(begin, end)};
  const char* brace = SkipBlanks(at, end);
  if (brace == end || *brace != '{') return {};
  at = brace + 1;
  return ScanLabels(at, end, on_label);
}

}  // namespace cloudmon::exposition::grammar
