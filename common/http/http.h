// SPDX-License-Identifier: Apache-2.0
// What a handler takes and returns. A handler is a function from Request to Response; tests call it directly.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"

namespace cloudmon::http {

struct Request {
  std::string method;                                        // "GET"
  std::string path;                                          // percent-decoded, without the query: "/api/nodes/node-a"
  std::string raw_path;                                      // as sent: "/api/nodes/node%2Da"; empty: path is used
  std::string query;                                         // raw, without '?': "window=5m&limit=10"
  std::vector<std::pair<std::string, std::string>> headers;  // as sent; look up with Header()
  std::string body;
  std::string remote_address;                                   // of the client: "10.0.0.7"; for messages
  std::map<std::string, std::string, std::less<>> path_params;  // set by the router: {"node", "node-a"}

  // The first header of that name (any case), or empty.
  [[nodiscard]] std::string_view Header(std::string_view name) const;
};

// Takes the next piece of a streamed body. False: the client is gone or takes no more; the writer stops.
using BodySink = std::function<bool(std::string_view)>;

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};  // beside Content-Type, -Length and -Encoding

  // Where set, it writes the body piece by piece (`body` is not used): the server sends it chunked, compressed where
  // the client accepts that, in constant memory. It runs on the server's thread after the handler has returned, not at
  // all for HEAD. Returns false, or throws, when the body could not be completed: the connection is then cut, so that
  // the client sees that something is missing.
  std::function<bool(const BodySink&)> stream{};
};

// Must be thread-safe: the server calls it from many threads.
using Handler = std::function<Response(const Request&)>;

// Splits "a=1&b=x%20y+z" into decoded pairs in order; bytes that are not UTF-8 become U+FFFD. Error: kParse for a bad
// percent escape, naming it. Thread-safe.
Result<std::vector<std::pair<std::string, std::string>>> ParseQueryString(std::string_view query);

// Decodes %XX ('+' stays). The bytes may be anything. Error: kParse, naming the bad escape. Thread-safe.
Result<std::string> PercentDecode(std::string_view text);

// {"error": {"code": code, "message": message}} with that status. `message` may hold any bytes; those that
// are not UTF-8 become U+FFFD. Does not throw. Thread-safe.
Response JsonError(int status, std::string_view code, std::string_view message);

}  // namespace cloudmon::http
