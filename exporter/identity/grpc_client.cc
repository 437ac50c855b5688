// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/grpc_client.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace cloudmon::identity {
namespace {

// What one call receives.
struct Incoming {
  std::string body;
  GrpcTrailers trailers;
  bool too_long = false;
};

std::size_t OnBody(const char* data, std::size_t size, std::size_t count, void* user) {
  auto& in = *static_cast<Incoming*>(user);
  const std::size_t bytes = size * count;
  in.too_long = in.body.size() + bytes > GrpcClient::kMaxReplyBytes;
  if (in.too_long) return 0;  // ends the transfer
  in.body.append(data, bytes);
  return bytes;
}

// libcurl hands trailers over like headers.
std::size_t OnHeader(const char* data, std::size_t size, std::size_t count, void* user) {
  ReadTrailer({data, size * count}, static_cast<Incoming*>(user)->trailers);
  return size * count;
}

// libcurl does not tell these apart, so they are looked at first.
Status CheckSocket(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Error{ErrorCode::kInvalid, path + ": longer than a socket's path can be"};
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError(errno, path);
  if (!S_ISSOCK(info.st_mode)) return Error{ErrorCode::kInvalid, path + ": not a socket"};
  if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0) {
    const int reason = errno;
    return ErrnoError(reason, path + ": needs root");
  }
  return Status::Ok();
}

ErrorCode CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::kTimeout;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return ErrorCode::kParse;
    default:
      return ErrorCode::kIo;
  }
}

Error TransferError(CURLcode code, const char* detail, const Incoming& in) {
  if (in.too_long) {
    return {ErrorCode::kLimit,
            "answer is longer than " + std::to_string(GrpcClient::kMaxReplyBytes) + " bytes (limit kMaxReplyBytes)"};
  }
  return {CodeOf(code), *detail != '\0' ? detail : curl_easy_strerror(code)};
}

Result<GrpcReply> ReadReply(long http_status, Incoming in) {
  if (http_status != 200) {
    return Error{ErrorCode::kParse, "not a gRPC server: HTTP status " + std::to_string(http_status)};
  }
  if (!in.trailers.status) return Error{ErrorCode::kParse, "answer without grpc-status"};
  GrpcReply reply{std::move(in.trailers), {}};
  if (reply.trailers.status != kGrpcOk) return reply;
  const auto message = ParseFrame(in.body);
  if (!message.ok()) return message.error();
  reply.message = message.value();
  return reply;
}

}  // namespace

struct GrpcClient::Curl {
  CURL* easy = curl_easy_init();
  curl_slist* headers = nullptr;
  char detail[CURL_ERROR_SIZE] = "";

  Curl() {
    headers = curl_slist_append(headers, "content-type: application/grpc");
    headers = curl_slist_append(headers, "te: trailers");
  }
  ~Curl() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;
};

GrpcClient::GrpcClient(std::string socket_path)
    : socket_path_(std::move(socket_path)), curl_(std::make_unique<Curl>()) {
  CURL* easy = curl_->easy;
  curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, socket_path_.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // whatever the environment says
  // libcurl 7.88 (Debian 12) breaks off the second call on a connection that speaks HTTP/2 from the start; connecting
  // to a unix socket costs little, and a runtime that was started again is met without an error.
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  // libcurl 7.88 receives up to 32 KiB of HTTP/2 at once and, where its buffer is smaller (16 KiB by default), forgets
  // what did not fit until its next timer: 200 ms for answers above 16 KiB.
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 64L * 1024L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, curl_->headers);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, curl_->detail);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, OnHeader);
}

GrpcClient::~GrpcClient() = default;

Result<GrpcReply> GrpcClient::Call(std::string_view method, std::string_view request, std::int64_t timeout_ms) {
  if (timeout_ms <= 0) return Error{ErrorCode::kTimeout, socket_path_ + ": no time left for " + std::string(method)};
  if (const Status socket = CheckSocket(socket_path_); !socket.ok()) return socket.error();
  CURL* easy = curl_->easy;
  const std::string url = "http://localhost/" + std::string(method);
  const std::string frame = FrameMessage(request);
  Incoming in;
  curl_->detail[0] = '\0';
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, frame.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(frame.size()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &in);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &in);
  const CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) return Wrap(TransferError(code, curl_->detail, in), socket_path_);
  long http_status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status);
  auto reply = ReadReply(http_status, std::move(in));
  if (!reply.ok()) return Wrap(reply.error(), socket_path_ + ": " + std::string(method));
  return reply;
}

}  // namespace cloudmon::identity
