// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/grpc_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "exporter/identity/http2_call.h"

namespace cloudmon::identity {
namespace {

// What connecting does not tell apart.
Status CheckSocket(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(errno, path);
  if (!S_ISSOCK(info.st_mode)) return Error{ErrorCode::kInvalid, path + ": not a socket"};
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    const int reason = errno;
    return ErrnoError(reason, path + ": needs root");
  }
  return Status::Ok();
}

Result<GrpcReply> ReadReply(Http2Answer answer) {
  if (answer.status != "200") {
    return Error{ErrorCode::kParse, "not a gRPC server: HTTP status " + answer.status};
  }
  if (!answer.trailers.status) return Error{ErrorCode::kParse, "answer without grpc-status"};
  GrpcReply reply{std::move(answer.trailers), {}};
  if (reply.trailers.status != kGrpcOk) return reply;
  const auto message = ParseFrame(answer.body);
  if (!message.ok()) return message.error();
  reply.message = message.value();
  return reply;
}

}  // namespace

Result<GrpcReply> GrpcClient::Call(std::string_view method, std::string_view request, std::int64_t timeout_ms) const {
  if (timeout_ms <= 0) return Error{ErrorCode::kTimeout, socket_path_ + ": no time left for " + std::string(method)};
  if (const Status socket = CheckSocket(socket_path_); !socket.ok()) return socket.error();
  auto answer = Http2Post(socket_path_, "/" + std::string(method), FrameMessage(request), kMaxReplyBytes, timeout_ms);
  if (!answer.ok()) return Wrap(answer.error(), socket_path_);
  auto reply = ReadReply(std::move(answer).value());
  if (!reply.ok()) return Wrap(reply.error(), socket_path_ + ": " + std::string(method));
  return reply;
}

}  // namespace cloudmon::identity
