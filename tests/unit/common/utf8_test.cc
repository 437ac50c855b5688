// SPDX-License-Identifier: Apache-2.0
#include "common/utf8.h"

#include <doctest/doctest.h>

using cloudmon::IsValidUtf8;
using cloudmon::SanitizeUtf8;

TEST_CASE("well-formed text is left alone") {
  for (std::string_view in : {"", "plain", "\xC3\xA9t\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\xB3", "\xEF\xBF\xBD"}) {
    CAPTURE(in);
    CHECK(IsValidUtf8(in));
    CHECK(SanitizeUtf8(in) == in);
  }
}

TEST_CASE("each byte of a malformed sequence becomes U+FFFD") {
  const std::string r = "\xEF\xBF\xBD";
  auto bad = [&](std::string_view in, const std::string& want) {
    CAPTURE(want);
    CHECK(!IsValidUtf8(in));
    CHECK(SanitizeUtf8(in) == want);
    CHECK(IsValidUtf8(SanitizeUtf8(in)));
  };
  bad("a\xFFz", "a" + r + "z");
  bad("\xC3", r);                          // truncated
  bad("\xE2\x82", r + r);                  // truncated
  bad("\xC0\xAF", r + r);                  // overlong '/'
  bad("\xE0\x80\x80", r + r + r);          // overlong NUL
  bad("\xED\xA0\x80", r + r + r);          // surrogate
  bad("\xF4\x90\x80\x80", r + r + r + r);  // above U+10FFFF
  bad("\x80", r);                          // lone continuation
}
