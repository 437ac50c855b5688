// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <limits>

#include "common/config/options.h"
#include "common/text.h"

namespace cloudmon::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t milliseconds;
};
constexpr std::array kUnits = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                               Unit{"ms", 1}};

}  // namespace

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const Error expected{ErrorCode::kParse,
                       "expected a duration such as 500ms, 10s, 5m, 2h or 7d, got '" + std::string(text) + "'"};
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return expected;
  const auto number = text::ParseI64(text.substr(0, digits));
  if (!number.ok()) return expected;
  for (const Unit& unit : kUnits) {
    if (text.substr(digits) != unit.suffix) continue;
    if (number.value() > std::numeric_limits<std::int64_t>::max() / unit.milliseconds) return expected;
    return std::chrono::milliseconds{number.value() * unit.milliseconds};
  }
  return expected;
}

std::string FormatDuration(std::chrono::milliseconds value) {
  for (const Unit& unit : kUnits) {
    if (value.count() != 0 && value.count() % unit.milliseconds == 0) {
      return std::to_string(value.count() / unit.milliseconds) + std::string(unit.suffix);
    }
  }
  return "0s";
}

}  // namespace cloudmon::config
