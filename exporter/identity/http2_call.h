// SPDX-License-Identifier: Apache-2.0
// One POST over HTTP/2 on a unix socket, as gRPC needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"
#include "exporter/identity/grpc_wire.h"

namespace cloudmon::identity {

struct Http2Answer {
  std::string status;  // HTTP's: "200"
  GrpcTrailers trailers;
  std::string body;
};

// Sends `body` to `path` ("/service/method") and returns the whole answer. Thread-safe.
// Errors: kTimeout after `timeout_ms`; kLimit where the answer's body exceeds `max_bytes`; kParse where the answer is
// not HTTP/2 or not complete; kDenied, kIo.
Result<Http2Answer> Http2Post(const std::string& socket_path, std::string_view path, std::string_view body,
                              std::size_t max_bytes, std::int64_t timeout_ms);

}  // namespace cloudmon::identity
