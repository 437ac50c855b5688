// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "exporter/identity/grpc_wire.h"

namespace cloudmon::identity {

struct GrpcReply {
  GrpcTrailers trailers;  // status is set
  std::string message;    // the answer, when the status is kGrpcOk; else empty
};

// Unary gRPC calls over HTTP/2 on a unix socket, each on a connection of its own. Not thread-safe.
class GrpcClient {
 public:
  static constexpr std::size_t kMaxReplyBytes = 16U << 20U;

  explicit GrpcClient(std::string socket_path);
  ~GrpcClient();
  GrpcClient(const GrpcClient&) = delete;
  GrpcClient& operator=(const GrpcClient&) = delete;

  // Calls e.g. "runtime.v1.RuntimeService/Version" and waits at most `timeout_ms`. A status other than kGrpcOk is an
  // answer, not an error. Errors name the socket: kNotFound, kDenied, kTimeout, kLimit (answer above kMaxReplyBytes),
  // kParse (not gRPC), kIo.
  Result<GrpcReply> Call(std::string_view method, std::string_view request, std::int64_t timeout_ms);

  [[nodiscard]] const std::string& socket_path() const { return socket_path_; }

 private:
  struct Curl;  // keeps libcurl out of this header

  std::string socket_path_;
  std::unique_ptr<Curl> curl_;
};

}  // namespace cloudmon::identity
