// SPDX-License-Identifier: Apache-2.0
// The bytes of a unary gRPC call inside HTTP/2: message frames and trailers. Pure; safe to call from any thread.
// Format: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cloudmon::identity {

inline constexpr int kGrpcOk = 0;
inline constexpr int kGrpcUnimplemented = 12;

struct GrpcTrailers {
  std::optional<int> status;  // nullopt: none seen, so the answer is not complete
  std::string message;        // of the server, valid UTF-8, at most 1 KiB
};

// Puts the 5-byte header before a message: not compressed, length with the highest byte first.
[[nodiscard]] std::string FrameMessage(std::string_view message);

// The one message of a unary answer. Error: kParse when the frame is cut short, compressed, or something follows it.
// The result points into `body`.
[[nodiscard]] Result<std::string_view> ParseFrame(std::string_view body);

// Notes a header or trailer line such as "grpc-status: 12\r\n"; other lines change nothing. A status that is no number
// counts as 2 (unknown).
void ReadTrailer(std::string_view line, GrpcTrailers& trailers);

// What a call that ended with these trailers failed with: "unknown service ... (gRPC status 12)"; the code by the
// status.
[[nodiscard]] Error GrpcError(const GrpcTrailers& trailers);

}  // namespace cloudmon::identity
