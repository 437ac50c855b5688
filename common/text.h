// SPDX-License-Identifier: Apache-2.0
// Small text helpers shared by all parsers. Pure, no locale, safe to call from any thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace cloudmon::text {

// Whole decimal numbers: no sign (ParseU64), no blanks, no overflow, not empty. Error: kParse "not a whole number:
// '...'".
Result<std::uint64_t> ParseU64(std::string_view text);
Result<std::int64_t> ParseI64(std::string_view text);

// A decimal number such as "0.06" or "1e+16"; "Inf", "+Inf", "-Inf" and "NaN" in any case. Error: kParse.
Result<double> ParseDouble(std::string_view text);

// Removes blanks, tabs, \r and \n at both ends.
std::string_view Trim(std::string_view text);

// Cuts the part before the first `separator` off `rest` and returns it; without one, all of `rest`. The separator goes.
// Example: rest = "a b"; Cut(rest, ' ') == "a" and rest == "b".
std::string_view Cut(std::string_view& rest, char separator);

// The next line of `rest` without its newline: `while (!rest.empty()) { auto line = CutLine(rest); ... }`
inline std::string_view CutLine(std::string_view& rest) {
  return Cut(rest, '\n');
}

// The next token of `line`, tokens being separated by any number of blanks and tabs; empty at the end.
std::string_view CutToken(std::string_view& line);

// Resolves a backslash and three octal digits (at most \377) to their byte, as mountinfo and mounts write blanks,
// newlines and backslashes in names. Anything else stays.
std::string UnescapeOctal(std::string_view text);

// Splits at `separator`, trims each part and leaves out empty ones: "a, b,,c" -> {a, b, c}.
std::vector<std::string> SplitList(std::string_view text, char separator);

// Appends a number in its shortest form that reads back the same. NaN and infinities as "NaN", "+Inf", "-Inf".
void AppendNumber(std::string& out, double value);
void AppendNumber(std::string& out, std::uint64_t value);
void AppendNumber(std::string& out, std::int64_t value);

}  // namespace cloudmon::text
