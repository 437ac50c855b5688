// SPDX-License-Identifier: Apache-2.0
#include "common/text.h"

#include <array>
#include <cmath>
#include <limits>

namespace cloudmon::text {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

template <class T>
Result<T> ParseWhole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || text.empty()) {
    return Error{ErrorCode::kParse, "not a whole number: '" + std::string(text.substr(0, 64)) + "'"};
  }
  return value;
}

template <class T>
void AppendChars(std::string& out, T value) {
  std::array<char, 32> buffer;
  auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end);
}

}  // namespace

Result<std::uint64_t> ParseU64(std::string_view text) {
  return ParseWhole<std::uint64_t>(text);
}
Result<std::int64_t> ParseI64(std::string_view text) {
  return ParseWhole<std::int64_t>(text);
}

Result<double> ParseDouble(std::string_view text) {
  std::string_view digits = text;
  // std::from_chars takes no leading plus sign.
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  double value = 0;
  const char* end = digits.data() + digits.size();
  auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error != std::errc{} || stop != end || digits.empty()) {
    return Error{ErrorCode::kParse, "not a number: '" + std::string(text.substr(0, 64)) + "'"};
  }
  return value;
}

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view Cut(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view{} : rest.substr(at + 1);
  return part;
}

std::string_view CutToken(std::string_view& line) {
  const auto first = line.find_first_not_of(" \t");
  if (first == std::string_view::npos) return line = {};
  const auto end = line.find_first_of(" \t", first);
  const std::string_view token = line.substr(first, end == std::string_view::npos ? end : end - first);
  line = end == std::string_view::npos ? std::string_view{} : line.substr(end);
  return token;
}

std::string UnescapeOctal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = text.substr(i, 4);
    const auto digit = [&](std::size_t at, char most) { return escape[at] >= '0' && escape[at] <= most; };
    if (escape.size() == 4 && escape[0] == '\\' && digit(1, '3') && digit(2, '7') && digit(3, '7')) {
      out += static_cast<char>((escape[1] - '0') * 64 + (escape[2] - '0') * 8 + (escape[3] - '0'));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> SplitList(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::string_view part = Trim(Cut(text, separator));
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

void AppendNumber(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    AppendChars(out, value);
  }
}

void AppendNumber(std::string& out, std::uint64_t value) {
  AppendChars(out, value);
}
void AppendNumber(std::string& out, std::int64_t value) {
  AppendChars(out, value);
}

}  // namespace cloudmon::text
