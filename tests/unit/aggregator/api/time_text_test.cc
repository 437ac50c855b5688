// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/time_text.h"

#include <doctest/doctest.h>

#include "tests/unit/aggregator/api/sample.h"

using namespace cloudmon;

TEST_CASE("ParseInstantMs") {
  auto good = [](std::string_view in, std::int64_t want_ms) {
    CAPTURE(in);
    REQUIRE(api::ParseInstantMs(in).ok());
    CHECK(api::ParseInstantMs(in).value() == want_ms);
  };
  good("0", 0);
  good("1795369210", 1'795'369'210'000);
  good("1795369210.5", 1'795'369'210'500);
  good("1795369210.0001", 1'795'369'210'001);
  good("1795369210.1230", 1'795'369'210'123);
  good("253402300799", 253'402'300'799'000);
  good("2026-11-22T17:40:10Z", 1'795'369'210'000);
  good("2026-11-22t17:40:10z", 1'795'369'210'000);
  good("2026-11-22 17:40:10Z", 1'795'369'210'000);
  good("2026-11-22T17:40:10.25Z", 1'795'369'210'250);
  good("2026-11-22T18:40:10+01:00", 1'795'369'210'000);
  good("2026-11-22T18:40:10 01:00", 1'795'369'210'000);  // an unescaped '+'
  good("2026-11-22T12:10:10-05:30", 1'795'369'210'000);
  good("2026-11-22T17:39:60Z", 1'795'369'200'000);
  good("2024-02-29T00:00:00Z", 1'709'164'800'000);
  good("1970-01-01T00:00:00Z", 0);
  for (std::string_view in : {"",
                              " ",
                              "-1",
                              "+1",
                              "1.",
                              ".5",
                              "1e9",
                              "1,5",
                              "0x10",
                              "NaN",
                              "inf",
                              "now",
                              "253402300800",
                              "1795369210000",
                              "99999999999999999999",
                              "1795369210s",
                              "1.5.5",
                              "2026-11-22",
                              "2026-11-22T17:40:10",
                              "2026-11-22T17:40Z",
                              "2026-11-22T17:40:10.Z",
                              "2026-11-22T17:40:10+1:00",
                              "2026-11-22T17:40:10+0100",
                              "2026-11-22T17:40:10+24:00",
                              "2026-11-22T17:40:10Zx",
                              "2026-13-01T00:00:00Z",
                              "2025-02-29T00:00:00Z",
                              "2026-11-22T24:00:00Z",
                              "2026-11-22T17:60:00Z",
                              "2026-11-22T17:40:61Z",
                              "26-11-22T17:40:10Z",
                              "1969-12-31T23:59:59Z",
                              "1970-01-01T00:00:00+00:01",
                              "2026/11/22T17:40:10Z"}) {
    CAPTURE(in);
    REQUIRE(!api::ParseInstantMs(in).ok());
    CHECK(api::ParseInstantMs(in).error().message ==
          "expected Unix seconds or RFC 3339 such as 2026-11-22T17:40:10Z, got '" + std::string(in) + "'");
  }
}

TEST_CASE("ParseSpanSeconds") {
  auto good = [](std::string_view in, std::int64_t want) {
    CAPTURE(in);
    REQUIRE(api::ParseSpanSeconds(in).ok());
    CHECK(api::ParseSpanSeconds(in).value() == want);
  };
  good("1", 1);
  good("90", 90);
  good("30s", 30);
  good("5m", 300);
  good("2h", 7200);
  good("1d", 86'400);
  good("36500d", 3'153'600'000);
  for (std::string_view in : {"", "0", "0m", "-5", "+5", "5 m", "5M", "m", "1.5h", "1h30m", "abc", "5ms", "36501d",
                              "3153600001", "18446744073709551616", "99999999999999999d"}) {
    CAPTURE(in);
    CHECK(!api::ParseSpanSeconds(in).ok());
  }
  CHECK(api::ParseSpanSeconds("abc").error().message == "expected seconds or a duration such as 5m, got 'abc'");
}

TEST_CASE("LocalTimestamp follows TZ") {
  auto is = [](const char* zone, std::int64_t seconds, std::string_view want) {
    const test::TimeZone set(zone);
    CHECK(api::LocalTimestamp(seconds) == want);
  };
  is("UTC", 1'795'369'210, "2026-11-22 17:40:10");
  is("UTC-5:30", 1'795'369'210, "2026-11-22 23:10:10");
  is("EST5EDT,M3.2.0,M11.1.0", 1'795'369'210, "2026-11-22 12:40:10");
  is("EST5EDT,M3.2.0,M11.1.0", 1'782'000'000, "2026-06-20 20:00:00");
}

TEST_CASE("Quoted is short and valid UTF-8") {
  CHECK(api::Quoted("abc") == "'abc'");
  CHECK(api::Quoted("a\xff") == "'a\xef\xbf\xbd'");
  CHECK(api::Quoted(std::string(100, 'x')) == "'" + std::string(64, 'x') + "...'");
}

TEST_CASE("ParseLocalTimestamp reads what LocalTimestamp writes") {
  const test::TimeZone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  for (const std::int64_t time : std::initializer_list<std::int64_t>{0, 1'795'369'210, 1'782'864'000, 1'774'745'999,
                                                                     1'774'746'000, 1'792'893'600}) {
    CAPTURE(time);
    CHECK(api::ParseLocalTimestamp(api::LocalTimestamp(time)) == time);
  }
  for (const std::string_view bad : {"", "2026-11-22", "2026-11-22T17:40:10", "2026-11-22 17:40:10Z",
                                     "2026-11-22 17:40:61", "2026-02-30 00:00:00", "2026-03-29 02:30:00"}) {
    CAPTURE(bad);
    CHECK_FALSE(api::ParseLocalTimestamp(bad));
  }
}
