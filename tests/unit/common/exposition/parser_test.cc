// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/parser.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/text.h"

using cloudmon::exposition::Format;
using cloudmon::exposition::ParseHead;
using cloudmon::exposition::ParseLimits;
using cloudmon::exposition::ParsePage;
using cloudmon::exposition::ParseReport;
using cloudmon::exposition::Sample;

namespace {

struct Page {
  ParseReport report;
  std::vector<std::string> samples;  // "head=value" or "head=value@timestamp_ms"
};

Page Parse(std::string_view body, Format format = Format::kText, const ParseLimits& limits = {}) {
  // An exact copy on the heap, so that the sanitizer sees a read past its end.
  const auto copy = std::make_unique<char[]>(body.size());
  body.copy(copy.get(), body.size());
  Page page;
  page.report = ParsePage({copy.get(), body.size()}, format, limits, [&](const Sample& sample) {
    std::string line = std::string(sample.head) + "=";
    cloudmon::text::AppendNumber(line, sample.value);
    if (sample.timestamp_ms) line += "@" + std::to_string(*sample.timestamp_ms);
    page.samples.push_back(line);
  });
  CHECK(page.report.samples == page.samples.size());
  CHECK((page.report.rejected_lines == 0) == (page.report.first_error_line == 0));
  CHECK((page.report.rejected_lines == 0) == page.report.first_error.empty());
  return page;
}

constexpr std::string_view kSamplePage = R"(# HELP http_requests_total Requests, with a \\ and a "quote".
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{path="/a b}#\"\\",code="400"} 3 1395066363000

# TYPE rpc_seconds histogram
rpc_seconds_bucket{le="0.05"} 24054
rpc_seconds_bucket{le="+Inf"} 144320
rpc_seconds_sum 53423.5
rpc_seconds_count 144320
temperature_celsius -12.25
broken +Inf
)";

}  // namespace

TEST_CASE("one good line") {
  const auto good = [](std::string_view line, std::string_view want, Format format = Format::kText) {
    CAPTURE(line);
    const Page page = Parse(std::string(line) + "\n", format);
    CAPTURE(page.report.first_error);
    REQUIRE(page.samples.size() == 1);
    CHECK(page.samples[0] == want);
    CHECK(page.report.rejected_lines == 0);
  };
  good("up 1", "up=1");
  good("  up\t 1  ", "up=1");
  good("up 1\r", "up=1");
  good("up{} 1", "up{}=1");
  good("up{a=\"b\"}1", "up{a=\"b\"}=1");
  good("up { a = \"b\" , } 1", "up { a = \"b\" , }=1");
  good(R"(up{a="}",b="# {",c="\"} 7"} 1)", R"(up{a="}",b="# {",c="\"} 7"}=1)");
  good("up{a=\"\xFF\"} 1", "up{a=\"\xFF\"}=1");
  good(std::string_view("up{a=\"\0\"} 1", 11), std::string_view("up{a=\"\0\"}=1", 11));

  good("v 0", "v=0");
  good("v -0.5", "v=-0.5");
  good("v +3", "v=3");
  good("v .5", "v=0.5");
  good("v 1.024e+06", "v=1024000");
  good("v 9999999999999999999", "v=1e+19");
  good("v 18446744073709551616", "v=18446744073709551616");
  good("v 9007199254740993", "v=9007199254740992");
  good("v 0.1", "v=0.1");
  good("v +Inf", "v=+Inf");
  good("v -inf", "v=-Inf");
  good("v NaN", "v=NaN");

  good("v 1 1395066363000", "v=1@1395066363000");
  good("v 1 -1", "v=1@-1");
  good("v 1 1395066363.123", "v=1@1395066363123", Format::kOpenMetrics);
  good("v 1 1.395066363e9 ", "v=1@1395066363000", Format::kOpenMetrics);
  good("v 1 -1", "v=1@-1000", Format::kOpenMetrics);
  good(R"(v_bucket{le="1"} 1 # {trace_id="x # }"} 1 123)", R"(v_bucket{le="1"}=1)", Format::kOpenMetrics);
  good(R"(v_bucket{le="1"} 1 5.5 # {} 1)", R"(v_bucket{le="1"}=1@5500)", Format::kOpenMetrics);
  good(R"(v_bucket{le="1"} 1 # {trace_id="x"} 1 123)", R"(v_bucket{le="1"}=1)");
}

TEST_CASE("one bad line is counted and its neighbours are kept") {
  const auto bad = [](std::string_view line, std::string_view message, Format format = Format::kText) {
    CAPTURE(line);
    const Page page = Parse("before 1\n" + std::string(line) + "\nafter 2\n", format);
    CHECK(page.samples == std::vector<std::string>{"before=1", "after=2"});
    CHECK(page.report.rejected_lines == 1);
    CHECK(page.report.first_error_line == 2);
    CHECK(page.report.first_error == "line 2: " + std::string(message));
  };
  bad("up", "no value after 'up'");
  bad("up ", "no value after 'up'");
  bad("up{a=\"b\"}", "no value after 'up'");
  bad("up{a=\"b\" 1", "no ',' or '}' after label 'a'");
  bad("up{a=\"b} 1", "no quote after the value of label 'a'");
  bad("up{a=b} 1", "no quote before the value of label 'a'");
  bad("{a=\"b\"} 1", "no metric name at '{a=\"b\"} 1'");
  bad("9 1", "no metric name at '9 1'");
  bad("a-b 1", "not a metric name: 'a-b'");
  bad("a\xFF 1", "not a metric name: 'a\xEF\xBF\xBD'");
  bad(std::string_view("a\0b 1", 5), "not a metric name: '" + std::string("a\0b", 3) + "'");
  bad("up x", "not a number: 'x'");
  bad("up 1x", "not a number: '1x'");
  bad("up 1,5", "not a number: '1,5'");
  bad("up 0x10", "not a number: '0x10'");
  bad("up 1e999", "not a number: '1e999'");
  bad("up - 1", "not a number: '- 1'");
  bad("up nan(1)", "not a number: 'nan(1)'");
  bad("up # {} 1", "not a number: '# {} 1'");
  bad("up 1 x", "not a timestamp: 'x'");
  bad("up 1 1.5", "not a timestamp: '1.5'");
  bad("up 1 9223372036854775808", "not a timestamp: '9223372036854775808'");
  bad("up 1 NaN", "not a timestamp: 'NaN'", Format::kOpenMetrics);
  bad("up 1 1e300", "not a timestamp: '1e300'", Format::kOpenMetrics);
  bad("up 1 2 3", "text after the timestamp: '3'");
}

TEST_CASE("a whole page, and the same with CRLF") {
  const Page page = Parse(kSamplePage);
  CHECK(page.report.rejected_lines == 0);
  CHECK(page.report.complete);
  CHECK(page.samples == std::vector<std::string>{R"(http_requests_total{method="post",code="200"}=1027@1395066363000)",
                                                 R"(http_requests_total{path="/a b}#\"\\",code="400"}=3@1395066363000)",
                                                 R"(rpc_seconds_bucket{le="0.05"}=24054)",
                                                 R"(rpc_seconds_bucket{le="+Inf"}=144320)", "rpc_seconds_sum=53423.5",
                                                 "rpc_seconds_count=144320", "temperature_celsius=-12.25",
                                                 "broken=+Inf"});
  std::string crlf;
  for (const char c : kSamplePage) {
    if (c == '\n') crlf += '\r';
    crlf += c;
  }
  CHECK(Parse(crlf).samples == page.samples);
  CHECK(Parse("").samples.empty());
  CHECK(Parse("\n\n \n#\n# x\n").report.rejected_lines == 0);
}

TEST_CASE("a page cut at any byte keeps the lines before the cut") {
  const std::vector<std::string> whole = Parse(kSamplePage).samples;
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    std::size_t lines_before = 0;  // sample lines that end before the cut
    for (std::size_t cut = 0; cut < kSamplePage.size(); ++cut) {
      CAPTURE(cut);
      const std::string_view body = kSamplePage.substr(0, cut);
      const auto last_line = body.rfind('\n', cut < 2 ? 0 : cut - 2) + 1;
      if (body.ends_with('\n') && body[last_line] != '#' && body[last_line] != '\n') ++lines_before;
      const Page page = Parse(body, format);
      REQUIRE(page.samples.size() >= lines_before);
      CHECK(page.samples.size() + page.report.rejected_lines <= lines_before + 1);
      for (std::size_t i = 0; i < lines_before && format == Format::kText; ++i) CHECK(page.samples[i] == whole[i]);
      if (format == Format::kOpenMetrics) {
        CHECK(page.samples.size() == lines_before);  // what has no newline may have lost digits
        CHECK(!page.report.complete);
      }
    }
  }
}

TEST_CASE("every byte replaced: never a crash, and what is let through has labels that can be read") {
  std::string page(kSamplePage);
  for (std::size_t at = 0; at < page.size(); ++at) {
    const char original = page[at];
    for (const char c : {'\0', '"', '\\', '{', '}', ',', '=', '\n', '#', ' ', '\xFF'}) {
      page[at] = c;
      ParsePage(page, Format::kText, {}, [&](const Sample& sample) {
        const auto head = ParseHead(sample.head, {});
        CHECK_MESSAGE((head.ok() || head.error().message.starts_with("given twice")), head.error().message);
      });
    }
    page[at] = original;
  }
}

TEST_CASE("OpenMetrics: # EOF") {
  const auto parse = [](std::string_view body) { return Parse(body, Format::kOpenMetrics); };
  CHECK(parse("a 1\n# EOF\n").report.complete);
  CHECK(parse("a 1\n# EOF").report.complete);
  CHECK(parse("a 1\r\n# EOF\r\n").report.complete);
  CHECK(parse("# EOF\n\n").report.complete);
  CHECK(!parse("a 1\n").report.complete);
  CHECK(!parse("a 1\n#EOF\n").report.complete);
  CHECK(!parse("").report.complete);

  const Page cut = parse("a 1\nb 2");
  CHECK(cut.samples == std::vector<std::string>{"a=1"});
  CHECK(cut.report.first_error == "line 2: the page ends within this line");

  const Page after = parse("a 1\n# EOF\nb 2\n");
  CHECK(after.samples == std::vector<std::string>{"a=1"});
  CHECK(!after.report.complete);
  CHECK(after.report.rejected_lines == 1);
  CHECK(after.report.first_error == "line 3: text after # EOF");

  CHECK(Parse("a 1\n# EOF\nb 2").samples.size() == 2);  // in text it is a comment
}

TEST_CASE("limits") {
  const std::string body = "a 1\n" + std::string(100, 'b') + " 2\n# " + std::string(100, 'c') + "\nd 3\ne 4\n";
  const Page lines = Parse(body, Format::kText, {.max_line_bytes = 50});
  CHECK(lines.samples == std::vector<std::string>{"a=1", "d=3", "e=4"});
  CHECK(lines.report.first_error == "line 2: longer than max_line_bytes: '" + std::string(64, 'b') + "'");

  const Page samples = Parse(body, Format::kText, {.max_samples = 3});
  CHECK(samples.samples.size() == 3);
  CHECK(samples.report.over_sample_limit);
  CHECK(!Parse(body, Format::kText, {.max_samples = 4}).report.over_sample_limit);
}

TEST_CASE("the first error is kept, all are counted") {
  const ParseReport report = Parse("a 1\n?\n\nb\nc 1\n").report;
  CHECK(report.samples == 2);
  CHECK(report.rejected_lines == 2);
  CHECK(report.first_error_line == 2);
  CHECK(report.first_error == "line 2: no metric name at '?'");
}
