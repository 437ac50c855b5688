// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/grpc_wire.h"

#include <cstddef>
#include <cstdint>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::identity {
namespace {

constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kMaxMessageBytes = 1024;
constexpr int kUnknown = 2;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// grpc-message is percent-encoded; what is not a valid escape stays as it is.
std::string DecodePercent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

ErrorCode CodeOf(int status) {
  switch (status) {
    case 4:  // DEADLINE_EXCEEDED
      return ErrorCode::kTimeout;
    case 5:  // NOT_FOUND
      return ErrorCode::kNotFound;
    case 7:   // PERMISSION_DENIED
    case 16:  // UNAUTHENTICATED
      return ErrorCode::kDenied;
    case 8:  // RESOURCE_EXHAUSTED
      return ErrorCode::kLimit;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

std::string FrameMessage(std::string_view message) {
  std::string frame(1, '\0');
  for (int shift = 24; shift >= 0; shift -= 8) frame += static_cast<char>((message.size() >> shift) & 0xFFU);
  frame += message;
  return frame;
}

Result<std::string_view> ParseFrame(std::string_view body) {
  if (body.size() < kHeaderBytes) return Error{ErrorCode::kParse, "gRPC frame cut short"};
  if (body[0] != '\0') return Error{ErrorCode::kParse, "gRPC frame is compressed, which was not asked for"};
  std::uint32_t length = 0;
  for (std::size_t i = 1; i < kHeaderBytes; ++i) length = length << 8U | static_cast<unsigned char>(body[i]);
  const std::string_view message = body.substr(kHeaderBytes);
  if (message.size() == length) return message;
  return Error{ErrorCode::kParse,
               "gRPC frame announces " + std::to_string(length) + " bytes and has " + std::to_string(message.size())};
}

void ReadTrailer(std::string_view line, GrpcTrailers& trailers) {
  const std::string_view name = text::Cut(line, ':');
  const std::string_view value = text::Trim(line);
  if (name == "grpc-status") {
    const auto status = text::ParseU64(value);
    trailers.status = status.ok() && status.value() <= 16 ? static_cast<int>(status.value()) : kUnknown;
  } else if (name == "grpc-message") {
    trailers.message = SanitizeUtf8(DecodePercent(value.substr(0, kMaxMessageBytes)));
  }
}

Error GrpcError(const GrpcTrailers& trailers) {
  const int status = trailers.status.value_or(kUnknown);
  const std::string message = trailers.message.empty() ? "refused" : trailers.message;
  return {CodeOf(status), message + " (gRPC status " + std::to_string(status) + ")"};
}

}  // namespace cloudmon::identity
