// SPDX-License-Identifier: Apache-2.0
// One request and its answer on a civetweb connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/http/http.h"

struct mg_connection;

namespace cloudmon::http {

// How long the body of a request is.
struct Framing {
  bool chunked = false;
  std::uint64_t content_length = 0;  // when not chunked
};

// Reads Content-Length and Transfer-Encoding. Error: kParse where they are malformed or contradict each other: guessing
// there lets one client's body pass for another's request. Pure.
Result<Framing> ParseFraming(const std::vector<std::pair<std::string, std::string>>& headers);

// Fills `request` from the connection, body included; `moved` is called after each piece. What comes back is the
// refusal (400, 408, 413 ...), after which the connection must be closed.
std::optional<Response> ReadRequest(mg_connection* connection, std::size_t max_body_bytes,
                                    const std::function<void()>& moved, Request& request);

// Makes the text of the status line and headers, and compresses response.body where the request allows and it pays.
// Header values with control characters are left out. Pure.
std::string Finish(const Request& request, std::size_t gzip_from_bytes, bool close, Response& response);

// Whether the streamed body of `response` is compressed. Pure.
bool IsStreamPacked(const Request& request, const Response& response);
// Finish for a streamed body, whose length nobody knows: without `chunked` it ends with the connection. Pure.
std::string StreamHead(const Request& request, bool chunked, bool close, const Response& response);

// Writes it all; `moved` is called after each piece. False when the client went away or took nothing for the timeout.
bool WriteAll(mg_connection* connection, std::string_view text, const std::function<void()>& moved);

}  // namespace cloudmon::http
