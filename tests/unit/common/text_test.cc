// SPDX-License-Identifier: Apache-2.0
#include "common/text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace text = cloudmon::text;

TEST_CASE("ParseU64") {
  auto good = [](std::string_view in, std::uint64_t want) {
    CAPTURE(in);
    REQUIRE(text::ParseU64(in).ok());
    CHECK(text::ParseU64(in).value() == want);
  };
  good("0", 0);
  good("18446744073709551615", UINT64_MAX);
  for (std::string_view in : {"", "-1", "+1", "12 ", " 12", "0x10", "1.5", "18446744073709551616", "max"}) {
    CAPTURE(in);
    CHECK(!text::ParseU64(in).ok());
  }
}

TEST_CASE("ParseDouble") {
  auto good = [](std::string_view in, double want) {
    CAPTURE(in);
    REQUIRE(text::ParseDouble(in).ok());
    CHECK(text::ParseDouble(in).value() == want);
  };
  good("0.06", 0.06);
  good("+1.5", 1.5);
  good("-2", -2);
  good("1e+16", 1e16);
  good("+Inf", std::numeric_limits<double>::infinity());
  good("-Inf", -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(text::ParseDouble("NaN").value()));
  for (std::string_view in : {"", "+", "+-1", "1,5", "1.5x", " 1"}) {
    CAPTURE(in);
    CHECK(!text::ParseDouble(in).ok());
  }
}

TEST_CASE("tokens and lines") {
  std::string_view line = "  some avg10=0.06\t total=1 ";
  CHECK(text::CutToken(line) == "some");
  CHECK(text::CutToken(line) == "avg10=0.06");
  CHECK(text::CutToken(line) == "total=1");
  CHECK(text::CutToken(line).empty());
  std::string_view lines = "a\n\nb";
  CHECK(text::CutLine(lines) == "a");
  CHECK(text::CutLine(lines).empty());
  CHECK(text::CutLine(lines) == "b");
  CHECK(lines.empty());
  CHECK(text::SplitList(" a, b,,c ", ',') == std::vector<std::string>{"a", "b", "c"});
  CHECK(text::Trim("\t x \r\n") == "x");
}

TEST_CASE("UnescapeOctal") {
  CHECK(text::UnescapeOctal(R"(/mnt/my\040disk\134)") == "/mnt/my disk\\");
  CHECK(text::UnescapeOctal(R"(\377)") == "\xFF");
  CHECK(text::UnescapeOctal(R"(\400 \08 \04)") == R"(\400 \08 \04)");
  CHECK(text::UnescapeOctal("") == "");
}

TEST_CASE("AppendNumber writes the shortest text that reads back") {
  auto is = [](auto value, std::string_view want) {
    std::string out;
    text::AppendNumber(out, value);
    CHECK(out == want);
  };
  is(0.1, "0.1");
  is(1e300, "1e+300");
  is(std::uint64_t{UINT64_MAX}, "18446744073709551615");
  is(std::int64_t{-7}, "-7");
  is(std::nan(""), "NaN");
  is(-std::numeric_limits<double>::infinity(), "-Inf");
}
