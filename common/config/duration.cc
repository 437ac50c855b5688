// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "common/config/options.h"
#include "common/text.h"

namespace cloudmon::config {
namespace {

using Milliseconds = std::chrono::milliseconds;

// The longest unit first, as FormatDuration wants them.
constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

}  // namespace

Result<Milliseconds> ParseDuration(std::string_view text) {
  const Error refusal{ErrorCode::kParse, "expected a duration such as 500ms, 10s, 5m, 2h or 7d, got '" +
                                             std::string(text.substr(0, 64)) + "'"};
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return refusal;
  const auto number = text::ParseI64(text.substr(0, digits));
  if (!number.ok()) return refusal;
  for (const auto& [unit, milliseconds] : kUnits) {
    if (text.substr(digits) != unit) continue;
    if (number.value() > std::numeric_limits<std::int64_t>::max() / milliseconds) return refusal;
    return Milliseconds(number.value() * milliseconds);
  }
  return refusal;
}

std::string FormatDuration(Milliseconds value) {
  if (value.count() == 0) return "0s";
  for (const auto& [unit, milliseconds] : kUnits) {
    if (value.count() % milliseconds == 0) return std::to_string(value.count() / milliseconds) + std::string(unit);
  }
  return std::to_string(value.count()) + "ms";
}

}  // namespace cloudmon::config
