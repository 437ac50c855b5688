// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "common/exposition/grammar.h"
#include "common/exposition/parser.h"
#include "common/utf8.h"

namespace cloudmon::exposition {
namespace {

using grammar::Fault;

// \\, \" and \n; any other escape stands for itself, as Prometheus reads it.
std::string Unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = text[i] == '\\' && i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '\\' || next == '"' || next == 'n') {
      out += next == 'n' ? '\n' : next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string LabelValue(std::string_view escaped) {
  if (escaped.find('\\') == std::string_view::npos) return SanitizeUtf8(escaped);
  return SanitizeUtf8(Unescape(escaped));
}

constexpr std::string_view kTooManyLabels = "more labels than max_labels at";
constexpr std::string_view kNameTooLong = "label name longer than max_label_name_bytes:";
constexpr std::string_view kValueTooLong = "value longer than max_label_value_bytes of label";

bool IsLimit(std::string_view what) {
  return what == kTooManyLabels || what == kNameTooLong || what == kValueTooLong;
}

Fault AddLabel(Head& head, const HeadLimits& limits, std::string_view name, std::string_view escaped_value) {
  if (head.labels.size() == limits.max_labels) return {kTooManyLabels, name};
  if (name.size() > limits.max_label_name_bytes) return {kNameTooLong, name};
  if (std::any_of(head.labels.begin(), head.labels.end(), [&](const Label& label) { return label.name == name; })) {
    return {"given twice: label", name};
  }
  std::string value = LabelValue(escaped_value);
  if (value.size() > limits.max_label_value_bytes) return {kValueTooLong, name};
  head.labels.push_back({std::string(name), std::move(value)});
  return {};
}

}  // namespace

std::string_view Head::Find(std::string_view label) const {
  for (const Label& candidate : labels) {
    if (candidate.name == label) return candidate.value;
  }
  return {};
}

Result<Head> ParseHead(std::string_view text, const HeadLimits& limits) {
  constexpr std::size_t kShownBytes = 64;
  Head head;
  head.labels.reserve(8);
  const char* at = text.data();
  const char* end = at + text.size();
  std::string_view name;
  Fault fault = grammar::ScanHead(at, end, name, [&](std::string_view label, std::string_view value) {
    return AddLabel(head, limits, label, value);
  });
  if (!fault.any() && at != end) fault = {"text after the labels:", grammar::View(at, end)};
  if (fault.any()) {
    return Error{IsLimit(fault.what) ? ErrorCode::kLimit : ErrorCode::kParse,
                 std::string(fault.what) + " '" + SanitizeUtf8(fault.shown.substr(0, kShownBytes)) + "'"};
  }
  head.name = name;
  return head;
}

}  // namespace cloudmon::exposition
