// SPDX-License-Identifier: Apache-2.0
#include "common/post/url.h"

#include <doctest/doctest.h>

#include <string>

namespace {

cloudmon::Result<std::string> ParsePushUrl(const std::string& text) {
  return cloudmon::post::ParseUrl(text, {"/api/ingest", "http://aggregator:8082", "a token goes into push.token-file"});
}

}  // namespace

TEST_CASE("urls to push to") {
  const auto good = [](const std::string& in, const std::string& want) {
    CAPTURE(in);
    const auto url = ParsePushUrl(in);
    REQUIRE(url.ok());
    CHECK(url.value() == want);
  };
  good("http://aggregator:8082", "http://aggregator:8082/api/ingest");
  good("http://aggregator:8082/", "http://aggregator:8082/api/ingest");
  good("https://monitor.example/push", "https://monitor.example/push");
  good("HTTP://[::1]:8082", "http://[::1]:8082/api/ingest");
  good("http://h/?site=a", "http://h/api/ingest?site=a");
}

TEST_CASE("urls that cannot be pushed to") {
  for (const char* in : {"", "aggregator", "aggregator:8082", "ftp://h", "file:///etc/passwd", "unix:///run/a",
                         "http://", "http://h:99999", "http://h h", "http://h/#a", "http://h\r\nX: y", "//h"}) {
    CAPTURE(in);
    const auto url = ParsePushUrl(in);
    REQUIRE(!url.ok());
    CHECK(url.error().code == cloudmon::ErrorCode::kInvalid);
    CHECK(url.error().message == "expected a URL such as http://aggregator:8082, got '" + std::string(in) + "'");
  }
}

TEST_CASE("a password in a url is refused and not repeated") {
  for (const char* in : {"http://user:secret@h:8082", "http://secret@h", "user:secret@h", "ftp://user:secret@h"}) {
    CAPTURE(in);
    const auto url = ParsePushUrl(in);
    REQUIRE(!url.ok());
    CHECK(url.error().message.find("secret") == std::string::npos);
    CHECK(url.error().message.find("push.token-file") != std::string::npos);
  }
}
