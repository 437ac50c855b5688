// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "common/exposition/parser.h"

using cloudmon::ErrorCode;
using cloudmon::exposition::Head;
using cloudmon::exposition::HeadLimits;
using cloudmon::exposition::ParseHead;

namespace {

// "name|label=value|..." with the values unescaped.
std::string Show(const Head& head) {
  std::string out = head.name;
  for (const auto& label : head.labels) out += "|" + label.name + "=" + label.value;
  return out;
}

}  // namespace

TEST_CASE("ParseHead reads names and labels") {
  const auto good = [](std::string_view in, std::string_view want) {
    CAPTURE(in);
    const auto head = ParseHead(in, {});
    REQUIRE_MESSAGE(head.ok(), head.error().message);
    CHECK(Show(head.value()) == want);
  };
  good("up", "up");
  good("a:b_c9", "a:b_c9");
  good("up{}", "up");
  good("up { }", "up");
  good(R"(up{a="1",b="2"})", "up|a=1|b=2");
  good(R"(up{a="1",b="2",})", "up|a=1|b=2");
  good("up\t{ a\t= \"1\" ,\tb =\"\" , }", "up|a=1|b=");
  good(R"(up{a="}{,#= "})", "up|a=}{,#= ");
  good(R"(up{a="\\ \" \n"})", "up|a=\\ \" \n");
  good(R"(up{a="\\\\",b="\\\""})", R"(up|a=\\|b=\")");
  good(R"(up{a="C:\dir\t"})", R"(up|a=C:\dir\t)");  // unknown escapes stand for themselves
  good("up{a=\"\xC3\xA9\"}", "up|a=\xC3\xA9");
  good("up{a=\"x\xFFy\xC3\"}", "up|a=x\xEF\xBF\xBDy\xEF\xBF\xBD");
  good(std::string_view("up{a=\"x\0y\"}", 11), std::string_view("up|a=x\0y", 8));
}

TEST_CASE("ParseHead says what is wrong") {
  const auto bad = [](std::string_view in, std::string_view message) {
    CAPTURE(in);
    const auto head = ParseHead(in, {});
    REQUIRE(!head.ok());
    CHECK(head.error().code == ErrorCode::kParse);
    CHECK(head.error().message == message);
  };
  bad("", "no metric name at ''");
  bad("9up", "no metric name at '9up'");
  bad(R"({a="1"})", R"(no metric name at '{a="1"}')");
  bad("up{", "no label name at ''");
  bad("up{,}", "no label name at ',}'");
  bad(R"(up{a="1",,})", "no label name at ',}'");
  bad(R"(up{="1"})", R"(no label name at '="1"}')");
  bad(R"(up{9a="1"})", R"(no label name at '9a="1"}')");
  bad(R"(up{a:b="1"})", "no '=' after label 'a'");
  bad("up{a", "no '=' after label 'a'");
  bad("up{a=}", "no quote before the value of label 'a'");
  bad("up{a=1}", "no quote before the value of label 'a'");
  bad("up{a=", "no quote before the value of label 'a'");
  bad(R"(up{a="1})", "no quote after the value of label 'a'");
  bad(R"(up{a="1\"})", "no quote after the value of label 'a'");
  bad(R"(up{a=")", "no quote after the value of label 'a'");
  bad(R"(up{a="1" b="2"})", "no ',' or '}' after label 'a'");
  bad(R"(up{a="1")", "no ',' or '}' after label 'a'");
  bad(R"(up{a="1",a="2"})", "given twice: label 'a'");
  bad(R"(up{a="1"} 3)", "text after the labels: ' 3'");
  bad("up\xFF", "text after the labels: '\xEF\xBF\xBD'");
}

TEST_CASE("ParseHead's limits") {
  const HeadLimits limits{.max_labels = 2, .max_label_name_bytes = 3, .max_label_value_bytes = 4};
  CHECK(ParseHead(R"(up{abc="1234",b="\n\n\n\n"})", limits).ok());
  const auto over = [&](std::string_view in, std::string_view message) {
    CAPTURE(in);
    const auto head = ParseHead(in, limits);
    REQUIRE(!head.ok());
    CHECK(head.error().code == ErrorCode::kLimit);
    CHECK(head.error().message == message);
  };
  over(R"(up{a="1",b="2",c="3"})", "more labels than max_labels at 'c'");
  over(R"(up{abcd="1"})", "label name longer than max_label_name_bytes: 'abcd'");
  over(R"(up{a="12345"})", "value longer than max_label_value_bytes of label 'a'");
}

TEST_CASE("Find") {
  const Head head = ParseHead(R"(up{a="1",b="2"})", {}).value();
  CHECK(head.Find("b") == "2");
  CHECK(head.Find("c").empty());
}
