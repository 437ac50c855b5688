// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/send_error.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

using namespace cloudmon::push;  // NOLINT: a test

TEST_CASE("what a status means, and what the server says") {
  CHECK(StatusMessage(400, R"({"error":{"code":"bad","message":"/pods/3/pod: expected text"}})") ==
        "HTTP 400; the server says: /pods/3/pod: expected text");
  CHECK(StatusMessage(503, "") == "HTTP 503");
  CHECK(StatusMessage(401, "") == "HTTP 401: check push.token-file");
  CHECK(StatusMessage(404, "no such page") == "HTTP 404: check push.url; the server says: no such page");
  CHECK(StatusMessage(302, "") == "HTTP 302: redirects are not followed: give push.url the final address");
  for (const char* body : {"[", "{\"error\":7}", "[{\"error\":{}}]", "\"x\"", "{\"error\":{\"message\":[]}}"}) {
    CHECK(StatusMessage(400, body) == "HTTP 400; the server says: " + std::string(body));
  }
}

TEST_CASE("what the server says is one short line of UTF-8") {
  CHECK(StatusMessage(400, "a\r\nwarn: b\x7F\xFF") == "HTTP 400; the server says: a  warn: b \xEF\xBF\xBD");
  CHECK(StatusMessage(400, std::string(5000, 'x')).size() < 400);
}

TEST_CASE("why there was no answer") {
  CHECK(TransferMessage(CURLE_COULDNT_CONNECT, ECONNREFUSED, "") ==
        "cannot connect: Connection refused; is the aggregator running there?");
  CHECK(TransferMessage(CURLE_PEER_FAILED_VERIFICATION, 0, "certificate is for another host") ==
        "certificate is for another host");
}
