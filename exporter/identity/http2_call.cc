// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/http2_call.h"

#include <nghttp2/nghttp2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "common/clock.h"
#include "common/file.h"

namespace cloudmon::identity {
namespace {

struct CallbacksDeleter {
  void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct SessionDeleter {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// The state of one call, which nghttp2's callbacks work on.
struct Call {
  UniqueFd fd;
  std::string_view unsent;  // of the request's body
  std::size_t max_bytes;
  Http2Answer answer;
  bool too_long = false;
  bool ended = false;
  std::uint32_t reset = NGHTTP2_NO_ERROR;  // why the server broke off
};

Call& Of(void* user) {
  return *static_cast<Call*>(user);
}

ssize_t Send(nghttp2_session*, const std::uint8_t* data, std::size_t length, int, void* user) {
  const ssize_t n = ::send(Of(user).fd.get(), data, length, MSG_NOSIGNAL);
  if (n >= 0) return n;
  return errno == EAGAIN || errno == EINTR ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

ssize_t Receive(nghttp2_session*, std::uint8_t* data, std::size_t length, int, void* user) {
  const ssize_t n = ::recv(Of(user).fd.get(), data, length, 0);
  if (n > 0) return n;
  if (n == 0) return NGHTTP2_ERR_EOF;
  return errno == EAGAIN || errno == EINTR ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

ssize_t GiveBody(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t length, std::uint32_t* flags,
                 nghttp2_data_source* source, void*) {
  std::string_view& unsent = Of(source->ptr).unsent;
  const std::size_t n = std::min(length, unsent.size());
  std::memcpy(out, unsent.data(), n);
  unsent.remove_prefix(n);
  if (unsent.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(n);
}

// Trailers come like headers.
int OnHeader(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_length,
             const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* user) {
  const std::string key(reinterpret_cast<const char*>(name), name_length);
  const std::string text(reinterpret_cast<const char*>(value), value_length);
  if (key == ":status") Of(user).answer.status = text;
  ReadTrailer(key + ":" + text, Of(user).answer.trailers);
  return 0;
}

int OnData(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t length, void* user) {
  Call& call = Of(user);
  call.too_long = length > call.max_bytes - call.answer.body.size();
  if (call.too_long) return NGHTTP2_ERR_CALLBACK_FAILURE;
  call.answer.body.append(reinterpret_cast<const char*>(data), length);
  return 0;
}

int OnStreamEnd(nghttp2_session*, std::int32_t, std::uint32_t error_code, void* user) {
  Of(user).ended = true;
  Of(user).reset = error_code;
  return 0;
}

std::unique_ptr<nghttp2_session, SessionDeleter> MakeSession(Call& call) {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
  const std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter> callbacks(made);
  nghttp2_session_callbacks_set_send_callback(made, Send);
  nghttp2_session_callbacks_set_recv_callback(made, Receive);
  nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, OnStreamEnd);
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new(&session, made, &call);
  return std::unique_ptr<nghttp2_session, SessionDeleter>(session);
}

nghttp2_nv Header(std::string_view name, std::string_view value) {
  // nghttp2 copies both and changes neither.
  auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

bool Submit(nghttp2_session* session, std::string_view path, Call& call) {
  const nghttp2_nv headers[] = {Header(":method", "POST"),         Header(":scheme", "http"),
                                Header(":authority", "localhost"), Header(":path", path),
                                Header("te", "trailers"),          Header("content-type", "application/grpc")};
  nghttp2_data_provider body{};
  body.source.ptr = &call;
  body.read_callback = GiveBody;
  // What may come is bounded by max_bytes, not by HTTP/2's windows: an answer never waits for leave to go on.
  constexpr std::int32_t kWindowBytes = NGHTTP2_MAX_WINDOW_SIZE;
  const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindowBytes};
  return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &window, 1) == 0 &&
         nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kWindowBytes) == 0 &&
         nghttp2_submit_request(session, nullptr, headers, std::size(headers), &body, nullptr) >= 0;
}

Result<UniqueFd> Connect(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path)) {
    return Error{ErrorCode::kInvalid, "longer than a socket's path can be"};
  }
  std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int reason = errno;
    return ErrnoError(reason, "cannot connect");
  }
  return fd;
}

Error Failure(int code, const Call& call) {
  if (call.too_long) {
    return {ErrorCode::kLimit, "answer is longer than " + std::to_string(call.max_bytes) + " bytes"};
  }
  if (code == NGHTTP2_ERR_EOF) return {ErrorCode::kParse, "the server closed the connection before it answered"};
  return {code == NGHTTP2_ERR_CALLBACK_FAILURE ? ErrorCode::kIo : ErrorCode::kParse, nghttp2_strerror(code)};
}

// Sends and receives until the answer is complete.
Status Exchange(nghttp2_session* session, const Call& call, std::int64_t timeout_ms) {
  const SystemClock clock;
  const std::int64_t end_ms = clock.SteadyMs() + timeout_ms;
  while (!call.ended) {
    if (const int code = nghttp2_session_send(session); code != 0) return Failure(code, call);
    if (nghttp2_session_want_read(session) == 0) return Error{ErrorCode::kParse, "the answer is not HTTP/2"};
    const std::int64_t left_ms = end_ms - clock.SteadyMs();
    if (left_ms <= 0) return Error{ErrorCode::kTimeout, "no answer in " + std::to_string(timeout_ms) + " ms"};
    pollfd waiting{call.fd.get(), POLLIN, 0};
    if (nghttp2_session_want_write(session) != 0) waiting.events |= POLLOUT;
    ::poll(&waiting, 1, static_cast<int>(left_ms));
    if (const int code = nghttp2_session_recv(session); code != 0 && !call.ended) return Failure(code, call);
  }
  if (call.reset == NGHTTP2_NO_ERROR) return Status::Ok();
  return Error{ErrorCode::kParse, std::string("the server broke off: ") + nghttp2_http2_strerror(call.reset)};
}

}  // namespace

Result<Http2Answer> Http2Post(const std::string& socket_path, std::string_view path, std::string_view body,
                              std::size_t max_bytes, std::int64_t timeout_ms) {
  auto fd = Connect(socket_path);
  if (!fd.ok()) return fd.error();
  Call call{.fd = std::move(fd).value(), .unsent = body, .max_bytes = max_bytes, .answer = {}};
  const auto session = MakeSession(call);
  if (!session || !Submit(session.get(), path, call)) return Error{ErrorCode::kIo, "nghttp2: out of memory"};
  const Status exchanged = Exchange(session.get(), call, timeout_ms);
  if (!exchanged.ok()) return exchanged.error();
  return std::move(call.answer);
}

}  // namespace cloudmon::identity
