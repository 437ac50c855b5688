// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/time_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::api {
namespace {

constexpr std::int64_t kMaxInstantSeconds = 253'402'300'799;  // 9999-12-31T23:59:59Z
constexpr std::int64_t kMaxSpanSeconds = 36'500LL * 86'400;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Takes exactly `count` digits off `rest`; nullopt where there are fewer.
std::optional<int> CutDigits(std::string_view& rest, std::size_t count) {
  if (rest.size() < count) return std::nullopt;
  int value = 0;
  for (char c : rest.substr(0, count)) {
    if (!IsDigit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  rest.remove_prefix(count);
  return value;
}

// Takes one of `wanted` off `rest`.
bool CutOneOf(std::string_view& rest, std::string_view wanted) {
  if (rest.empty() || wanted.find(rest.front()) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  return true;
}

// ".25" as milliseconds, rounded up; without a dot 0. nullopt for a dot without digits.
std::optional<std::int64_t> CutFractionMs(std::string_view& rest) {
  if (!CutOneOf(rest, ".")) return 0;
  std::int64_t ms = 0;
  std::int64_t unit = 100;
  bool more = false;
  std::size_t digits = 0;
  for (; digits < rest.size() && IsDigit(rest[digits]); ++digits, unit /= 10) {
    if (unit > 0) ms += (rest[digits] - '0') * unit;
    if (unit == 0 && rest[digits] != '0') more = true;
  }
  if (digits == 0) return std::nullopt;
  rest.remove_prefix(digits);
  return ms + (more ? 1 : 0);
}

std::optional<std::int64_t> ParseUnixMs(std::string_view text) {
  const auto whole = text::ParseU64(text.substr(0, text.find('.')));
  if (!whole.ok() || whole.value() > static_cast<std::uint64_t>(kMaxInstantSeconds)) return std::nullopt;
  text.remove_prefix(std::min(text.find('.'), text.size()));
  const auto fraction_ms = CutFractionMs(text);
  if (!fraction_ms || !text.empty()) return std::nullopt;
  return static_cast<std::int64_t>(whole.value()) * 1000 + *fraction_ms;
}

// "Z", "+01:00", " 01:00" or "-01:00" as seconds east of UTC.
std::optional<std::int64_t> ParseOffsetSeconds(std::string_view rest) {
  if (rest == "Z" || rest == "z") return 0;
  const bool west = !rest.empty() && rest.front() == '-';
  if (!CutOneOf(rest, "+- ")) return std::nullopt;
  const auto hours = CutDigits(rest, 2);
  const bool colon = CutOneOf(rest, ":");
  const auto minutes = CutDigits(rest, 2);
  if (!hours || !colon || !minutes || !rest.empty() || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

// Days since 1970 of "2026-11-22" at the start of `rest`.
std::optional<std::int64_t> CutDate(std::string_view& rest) {
  const auto year = CutDigits(rest, 4);
  if (!year || !CutOneOf(rest, "-")) return std::nullopt;
  const auto month = CutDigits(rest, 2);
  if (!month || !CutOneOf(rest, "-")) return std::nullopt;
  const auto day = CutDigits(rest, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

// Seconds since midnight of "17:40:10" at the start of `rest`; a leap second counts as the second after it.
std::optional<std::int64_t> CutTimeOfDay(std::string_view& rest) {
  const auto hours = CutDigits(rest, 2);
  if (!hours || !CutOneOf(rest, ":")) return std::nullopt;
  const auto minutes = CutDigits(rest, 2);
  if (!minutes || !CutOneOf(rest, ":")) return std::nullopt;
  const auto seconds = CutDigits(rest, 2);
  if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 60) return std::nullopt;
  return *hours * 3600 + *minutes * 60 + *seconds;
}

// Grammar: RFC 3339 section 5.6.
std::optional<std::int64_t> ParseRfc3339Ms(std::string_view rest) {
  const auto days = CutDate(rest);
  if (!days || !CutOneOf(rest, "Tt ")) return std::nullopt;
  const auto seconds = CutTimeOfDay(rest);
  if (!seconds) return std::nullopt;
  const auto fraction_ms = CutFractionMs(rest);
  const auto offset = fraction_ms ? ParseOffsetSeconds(rest) : std::nullopt;
  if (!offset) return std::nullopt;
  const std::int64_t ms = (*days * 86'400 + *seconds - *offset) * 1000 + *fraction_ms;
  return ms < 0 ? std::nullopt : std::optional(ms);
}

}  // namespace

Result<std::int64_t> ParseInstantMs(std::string_view text) {
  auto ms = ParseUnixMs(text);
  if (!ms) ms = ParseRfc3339Ms(text);
  if (ms) return *ms;
  return Error{ErrorCode::kParse,
               "expected Unix seconds or RFC 3339 such as 2026-11-22T17:40:10Z, got " + Quoted(text)};
}

Result<std::int64_t> ParseSpanSeconds(std::string_view text) {
  constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits{{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  std::string_view digits = text;
  std::int64_t unit = 1;
  for (const auto& [letter, seconds] : kUnits) {
    if (!digits.ends_with(letter)) continue;
    digits.remove_suffix(1);
    unit = seconds;
    break;
  }
  const auto count = text::ParseU64(digits);
  if (!count.ok() || count.value() == 0) {
    return Error{ErrorCode::kParse, "expected seconds or a duration such as 5m, got " + Quoted(text)};
  }
  if (count.value() > static_cast<std::uint64_t>(kMaxSpanSeconds / unit)) {
    return Error{ErrorCode::kParse, "expected seconds or a duration of at most 36500d, got " + Quoted(text)};
  }
  return static_cast<std::int64_t>(count.value()) * unit;
}

std::string LocalTimestamp(std::int64_t unix_seconds) {
  const auto when = static_cast<std::time_t>(unix_seconds);
  std::tm local{};
  ::localtime_r(&when, &local);
  std::array<char, 32> buffer;
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S", &local)};
}

std::optional<std::int64_t> ParseLocalTimestamp(std::string_view text) {
  std::string_view rest = text;
  const auto days = CutDate(rest);
  if (!days || !CutOneOf(rest, " ")) return std::nullopt;
  const auto seconds = CutTimeOfDay(rest);
  if (!seconds || !rest.empty()) return std::nullopt;
  const auto utc = static_cast<std::time_t>(*days * 86'400 + *seconds);
  std::tm fields{};
  ::gmtime_r(&utc, &fields);
  fields.tm_isdst = -1;
  const std::int64_t unix_seconds = std::mktime(&fields);
  if (LocalTimestamp(unix_seconds) != text) return std::nullopt;
  return unix_seconds;
}

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMaxBytes = 64;
  const bool cut = text.size() > kMaxBytes;
  return "'" + SanitizeUtf8(text.substr(0, kMaxBytes)) + (cut ? "..." : "") + "'";
}

}  // namespace cloudmon::api
