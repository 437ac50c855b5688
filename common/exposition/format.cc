// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/format.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "common/text.h"

namespace cloudmon::exposition {
namespace {

constexpr std::string_view kOpenMetricsType = "application/openmetrics-text";

// "Type/Sub; q=0.5; version=1.0.0": one member of an Accept header, or a Content-Type.
struct MediaRange {
  std::string type;     // lower case
  std::string version;  // empty where there is none
  double weight = 1;    // 0 to 1; a weight that is no number counts as 0: not accepted
};

std::string LowerCase(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

MediaRange ParseMediaRange(std::string_view text) {
  MediaRange range;
  range.type = LowerCase(text::Trim(text::Cut(text, ';')));
  while (!text.empty()) {
    std::string_view value = text::Trim(text::Cut(text, ';'));
    const std::string key = LowerCase(text::Trim(text::Cut(value, '=')));
    value = text::Trim(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (key == "version") range.version = value;
    if (key == "q") {
      const auto weight = text::ParseDouble(value);
      range.weight = weight.ok() && weight.value() >= 0 && weight.value() <= 1 ? weight.value() : 0;
    }
  }
  return range;
}

}  // namespace

std::string_view ContentType(Format format) {
  return format == Format::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8";
}

Format NegotiateFormat(std::string_view accept) {
  double open_metrics = 0;
  double text_plain = 0;
  double text_any = 0;  // by a wildcard, which counts only where text/plain is not named
  bool text_named = false;
  while (!accept.empty()) {
    const MediaRange range = ParseMediaRange(text::Cut(accept, ','));
    if (range.type == kOpenMetricsType && (range.version.empty() || range.version == "1.0.0")) {
      open_metrics = std::max(open_metrics, range.weight);
    } else if (range.type == "text/plain" && (range.version.empty() || range.version == "0.0.4")) {
      text_plain = std::max(text_plain, range.weight);
      text_named = true;
    } else if (range.type == "text/*" || range.type == "*/*") {
      text_any = std::max(text_any, range.weight);
    }
  }
  // A wildcard alone never gives OpenMetrics: browsers and curl send it, and expect plain text.
  return open_metrics > 0 && open_metrics >= (text_named ? text_plain : text_any) ? Format::kOpenMetrics
                                                                                  : Format::kText;
}

Format FormatOfContentType(std::string_view content_type) {
  return ParseMediaRange(content_type).type == kOpenMetricsType ? Format::kOpenMetrics : Format::kText;
}

}  // namespace cloudmon::exposition
