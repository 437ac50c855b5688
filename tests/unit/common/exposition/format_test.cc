// SPDX-License-Identifier: Apache-2.0
#include "common/exposition/format.h"

#include <doctest/doctest.h>

using cloudmon::exposition::ContentType;
using cloudmon::exposition::Format;
using cloudmon::exposition::FormatOfContentType;
using cloudmon::exposition::NegotiateFormat;

TEST_CASE("ContentType says format, version and charset, and is understood again") {
  CHECK(ContentType(Format::kText) == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(ContentType(Format::kOpenMetrics) == "application/openmetrics-text; version=1.0.0; charset=utf-8");
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    CHECK(FormatOfContentType(ContentType(format)) == format);
  }
}

TEST_CASE("NegotiateFormat") {
  const auto open_metrics = [](std::string_view accept) {
    CAPTURE(accept);
    CHECK(NegotiateFormat(accept) == Format::kOpenMetrics);
  };
  // What Prometheus 2.42 and 3 send.
  open_metrics(
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
  open_metrics(
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
  open_metrics("application/openmetrics-text");
  open_metrics(" Application/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.5 , text/plain ; q=0.5");
  open_metrics("application/openmetrics-text;q=0.5,text/plain;version=1.0.0");  // a text version that is not ours

  const auto plain = [](std::string_view accept) {
    CAPTURE(accept);
    CHECK(NegotiateFormat(accept) == Format::kText);
  };
  plain("");
  plain("*/*");
  plain("text/html,application/xhtml+xml,*/*;q=0.8");
  plain("text/plain");
  plain("application/openmetrics-text;q=0.2,text/plain;q=0.9");
  plain("application/openmetrics-text;q=0.2,*/*");
  plain("application/openmetrics-text;q=0.2,text/*;q=0.3");
  plain("application/openmetrics-text;q=0");
  plain("application/openmetrics-text;q=high");
  plain("application/openmetrics-text;q=2");
  plain("application/openmetrics-text;version=2.0.0");
  plain(";;;,=,;q=");
}

TEST_CASE("FormatOfContentType: anything unknown is text") {
  CHECK(FormatOfContentType("APPLICATION/openmetrics-text;charset=utf-8") == Format::kOpenMetrics);
  for (std::string_view in :
       {"", "text/plain", "text/plain; version=0.0.4", "application/json", "x/openmetrics-text"}) {
    CAPTURE(in);
    CHECK(FormatOfContentType(in) == Format::kText);
  }
}
