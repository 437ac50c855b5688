// SPDX-License-Identifier: Apache-2.0
#include "common/psi.h"

#include <doctest/doctest.h>

#include <string>

using cloudmon::ErrorCode;
using cloudmon::psi::ParsePressure;

TEST_CASE("ParsePressure reads the totals") {
  auto good = [](std::string_view in, std::optional<std::uint64_t> some, std::optional<std::uint64_t> full) {
    CAPTURE(in);
    const auto pressure = ParsePressure(in);
    REQUIRE(pressure.ok());
    CHECK(pressure.value().some_total_usec == some);
    CHECK(pressure.value().full_total_usec == full);
  };
  good("some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362\nfull avg10=0.00 avg60=0.00 avg300=0.04 total=1034\n",
       8537362, 1034);
  good("full total=1 avg10=0.00\nsome total=18446744073709551615 avg300=0.99", UINT64_MAX, 1);
  good("some avg10=0.06 avg60=0.21 avg300=0.99 total=7\n", 7, std::nullopt);
  good("most avg10=9 total=x\n\nsome avg10=0 future=1 total=3\n", 3, std::nullopt);
  good("some avg10=0.00\n", std::nullopt, std::nullopt);
  good("", std::nullopt, std::nullopt);
}

TEST_CASE("ParsePressure refuses a bad total and names the line") {
  for (std::string_view in :
       {"some total=\n", "some total=-1\n", "full avg10=0.00 total=1x", "some total=18446744073709551616"}) {
    CAPTURE(in);
    const auto pressure = ParsePressure(in);
    REQUIRE(!pressure.ok());
    CHECK(pressure.error().code == ErrorCode::kParse);
    CHECK(pressure.error().message.find("total") != std::string::npos);
  }
}
