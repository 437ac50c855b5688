// SPDX-License-Identifier: Apache-2.0
#include "common/post/send_error.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <string_view>

using namespace cloudmon::post;  // NOLINT: a test

namespace {

constexpr Names kNames{"push.url", "push.token-file", "", "the aggregator"};

std::string Message(long status, std::string_view body) {
  return StatusMessage(status, body, kNames);
}

}  // namespace

TEST_CASE("what a status means, and what the server says") {
  CHECK(Message(400, R"({"error":{"code":"bad","message":"/pods/3/pod: expected text"}})") ==
        "HTTP 400; the server says: /pods/3/pod: expected text");
  CHECK(Message(503, "") == "HTTP 503");
  CHECK(Message(401, "") == "HTTP 401: check push.token-file");
  CHECK(Message(404, "no such page") == "HTTP 404: check push.url; the server says: no such page");
  CHECK(Message(302, "") == "HTTP 302: redirects are not followed: give push.url the final address");
  for (const char* body : {"[", "{\"error\":7}", "[{\"error\":{}}]", "\"x\"", "{\"error\":{\"message\":[]}}"}) {
    CHECK(Message(400, body) == "HTTP 400; the server says: " + std::string(body));
  }
}

TEST_CASE("what the server says is one short line of UTF-8") {
  CHECK(Message(400, "a\r\nwarn: b\x7F\xFF") == "HTTP 400; the server says: a  warn: b \xEF\xBF\xBD");
  CHECK(Message(400, std::string(5000, 'x')).size() < 400);
}

TEST_CASE("why there was no answer") {
  CHECK(TransferMessage(CURLE_COULDNT_CONNECT, ECONNREFUSED, "", kNames) ==
        "cannot connect: Connection refused; is the aggregator running there?");
  CHECK(TransferMessage(CURLE_PEER_FAILED_VERIFICATION, 0, "certificate is for another host", kNames) ==
        "certificate is for another host");
  const Names with_ca_file{"a.url", "a.token-file", "a.ca-file", "the receiver"};
  CHECK(TransferMessage(CURLE_PEER_FAILED_VERIFICATION, 0, "certificate is not trusted", with_ca_file) ==
        "certificate is not trusted: check a.ca-file");
}
