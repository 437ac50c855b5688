// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.h"
#include "exporter/identity/grpc_wire.h"

namespace cloudmon::identity {

struct GrpcReply {
  GrpcTrailers trailers;  // status is set
  std::string message;    // the answer, when the status is kGrpcOk; else empty
};

// Unary gRPC calls over HTTP/2 on a unix socket, each on a connection of its own: connecting to such a socket costs
// little, and a runtime that was started again is met without an error. Thread-safe.
class GrpcClient {
 public:
  static constexpr std::size_t kMaxReplyBytes = 16U << 20U;

  explicit GrpcClient(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // Calls e.g. "runtime.v1.RuntimeService/Version" and waits at most `timeout_ms`. A status other than kGrpcOk is an
  // answer, not an error. Errors name the socket: kNotFound, kDenied, kTimeout, kLimit (answer above kMaxReplyBytes),
  // kParse (not gRPC), kIo.
  [[nodiscard]] Result<GrpcReply> Call(std::string_view method, std::string_view request,
                                       std::int64_t timeout_ms) const;

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

 private:
  std::string socket_path_;
};

}  // namespace cloudmon::identity
