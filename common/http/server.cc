// SPDX-License-Identifier: Apache-2.0
#include "common/http/server.h"

#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/file.h"
#include "common/http/address.h"
#include "common/http/connections.h"
#include "common/http/exchange.h"
#include "common/http/sockets.h"
#include "common/http/stream.h"
#include "common/text.h"

namespace cloudmon::http {
namespace {

constexpr int kMaxHeaderBytes = 16384;  // request line and headers; longer is answered 400
constexpr int kListenBacklog = 1024;    // connections the kernel holds until a thread is free
constexpr std::chrono::milliseconds kCloseLimit{500};

// Whether an IPv6 socket can be had: by the library and by the machine.
bool HasIpv6() {
  return ::mg_check_feature(MG_FEATURES_IPV6) != 0 &&
         UniqueFd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)).valid();
}

// The IPv4 address of a name, as text. Error: kInvalid.
Result<std::string> ResolveIpv4(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return Error{ErrorCode::kInvalid, "no IPv4 address for '" + host + "': " + ::gai_strerror(error)};
  std::array<char, NI_MAXHOST> text{};
  ::getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return std::string(text.data());
}

// The address in civetweb's spelling: "8082" is IPv4, "+8082" IPv4 and IPv6.
Result<std::string> PortSpec(const ListenAddress& address) {
  const std::string port = std::to_string(address.port);
  if (address.host.empty()) return (HasIpv6() ? "+" : "") + port;
  if (address.is_ipv6) {
    if (HasIpv6()) return "[" + address.host + "]:" + port;
    return Error{ErrorCode::kInvalid,
                 "this machine or the civetweb library it has is without IPv6; use an IPv4 address"};
  }
  auto host = ResolveIpv4(address.host);
  if (!host.ok()) return host.error();
  return host.value() + ":" + port;
}

// civetweb says why it cannot listen in a line for its log only: "cannot bind to 127.0.0.1:8082: 98 (Address ...)".
Error ListenError(std::string_view log_line) {
  const std::size_t end = log_line.rfind(" (");
  const std::size_t start = end == std::string_view::npos ? end : log_line.rfind(' ', end - 1);
  const auto number =
      text::ParseU64(start == std::string_view::npos ? "" : log_line.substr(start + 1, end - start - 1));
  if (!number.ok()) return Error{ErrorCode::kIo, std::string(log_line)};
  const int code = static_cast<int>(number.value());
  Error error = ErrnoError(code, "");
  error.message.erase(0, 2);  // ErrnoError's ": "
  if (code == EADDRINUSE)
    error.message = "address already in use; stop the other program or choose another --web.listen-address";
  if (code == EACCES)
    error.message += "; ports below 1024 need a privilege: choose a higher one with --web.listen-address";
  if (code == EADDRNOTAVAIL) error.message += "; this machine has no such address: use :PORT for all it has";
  error.code = error.code == ErrorCode::kDenied ? ErrorCode::kDenied : ErrorCode::kIo;
  return error;
}

class CivetServer final : public Server {
 public:
  CivetServer(const ServerOptions& options, Router router)
      : options_(options),
        router_(std::move(router)),
        connections_(Threads(options), clock_, [this](Connections::Id id) { return HangUp(id); }) {}
  ~CivetServer() override;

  Status Listen();
  [[nodiscard]] std::uint16_t port() const override { return port_; }

 private:
  static std::size_t Threads(const ServerOptions& options) {
    return static_cast<std::size_t>(std::max(2, options.threads));
  }
  static CivetServer& Of(const mg_connection* connection) {
    return *static_cast<CivetServer*>(::mg_get_user_data(::mg_get_context(connection)));
  }
  static mg_callbacks Callbacks();

  bool HangUp(Connections::Id id) const;
  void Serve(mg_connection* connection);
  void Answer(mg_connection* connection, const Request& request, Response response, bool close);
  void Refuse(mg_connection* connection, const Request& request, Response response);
  bool AnswerStream(mg_connection* connection, const Request& request, const Response& response, bool close);
  void LogLine(const char* message);

  const ServerOptions options_;
  const Router router_;
  const SystemClock clock_;
  Connections connections_;
  std::thread room_keeper_;
  mg_context* context_ = nullptr;
  std::atomic<std::uint16_t> port_ = 0;  // set while threads already serve
  std::mutex mu_;
  std::string first_log_line_;  // why it did not start; guarded by mu_
};

// civetweb could not read a request. It does not tell one that is too long from one that is malformed.
Response RefusalOf(int status) {
  if (status == 505) return JsonError(505, "bad_request", "HTTP/1.0 and HTTP/1.1 are spoken here");
  return JsonError(status >= 500 ? 500 : 400, "bad_request",
                   "the request is malformed, did not arrive in time, or its first line and headers exceed " +
                       std::to_string(kMaxHeaderBytes) + " bytes");
}

bool WantsClose(const mg_connection* connection, const Request& request) {
  const mg_request_info& info = *::mg_get_request_info(connection);
  const std::string wish(request.Header("Connection"));
  if (std::string_view(info.http_version) == "1.0") return true;
  return !wish.empty() && ::strcasecmp(wish.c_str(), "keep-alive") != 0;
}

mg_callbacks CivetServer::Callbacks() {
  mg_callbacks callbacks{};
  callbacks.init_connection = [](const mg_connection* connection, void**) {
    Of(connection).connections_.Opened(connection);
    return 0;
  };
  callbacks.connection_close = [](const mg_connection* connection) { Of(connection).connections_.Closed(connection); };
  callbacks.begin_request = [](mg_connection* connection) {
    try {
      Of(connection).Serve(connection);
    } catch (const std::exception& e) {  // out of memory: civetweb's C code must not see it
      spdlog::error("http: {}", e.what());
      ::mg_disable_connection_keep_alive(connection);
    }
    return 200;  // any status: nothing is left for civetweb to do, so it never looks for files
  };
  callbacks.http_error = [](mg_connection* connection, int status, const char*) {
    Of(connection).Refuse(connection, {}, RefusalOf(status));
    return 0;
  };
  callbacks.log_message = [](const mg_connection* connection, const char* message) {
    Of(connection).LogLine(message);
    return 1;
  };
  return callbacks;
}

Status CivetServer::Listen() {
  auto address = ParseListenAddress(options_.listen_address);
  if (!address.ok()) return address.error();
  auto spec = PortSpec(address.value());
  if (!spec.ok()) return spec.error();
  const std::string threads = std::to_string(Threads(options_));
  const std::string timeout = std::to_string(std::max(1, options_.idle_timeout_ms));
  const std::string header_bytes = std::to_string(kMaxHeaderBytes);
  const std::string backlog = std::to_string(kListenBacklog);
  // No document_root, so there are no files; paths are decoded by us, after they are split.
  std::vector<const char*> settings = {"listening_ports",
                                       spec.value().c_str(),
                                       "num_threads",
                                       threads.c_str(),
                                       "request_timeout_ms",
                                       timeout.c_str(),
                                       "keep_alive_timeout_ms",
                                       timeout.c_str(),
                                       "max_request_size",
                                       header_bytes.c_str(),
                                       "listen_backlog",
                                       backlog.c_str(),
                                       "enable_keep_alive",
                                       "yes",
                                       "tcp_nodelay",
                                       "1",
                                       "decode_url",
                                       "no",
                                       "decode_query_string",
                                       "no",
                                       "enable_auth_domain_check",
                                       "no",
                                       "enable_directory_listing",
                                       "no",
                                       nullptr};
  const mg_callbacks callbacks = Callbacks();
  mg_init_data init{&callbacks, this, settings.data()};
  std::array<char, 256> text{};
  unsigned code = 0;
  mg_error_data error{&code, text.data(), text.size()};
  context_ = ::mg_start2(&init, &error);
  if (context_ == nullptr) {
    const std::lock_guard lock(mu_);
    return ListenError(first_log_line_.empty() ? std::string_view(text.data()) : first_log_line_);
  }
  mg_server_port listening{};
  ::mg_get_server_ports(context_, 1, &listening);
  port_ = static_cast<std::uint16_t>(listening.port);
  room_keeper_ = std::thread([this] { connections_.KeepRoom(); });
  return Status::Ok();
}

CivetServer::~CivetServer() {
  if (context_ != nullptr) {
    // By itself civetweb notices only after up to 2 s, for it polls in such steps.
    EndListening(port_);
    connections_.CloseAll(kCloseLimit);
    room_keeper_.join();
    ::mg_stop(context_);
  }
}

bool CivetServer::HangUp(Connections::Id id) const {
  const mg_request_info* info = ::mg_get_request_info(static_cast<const mg_connection*>(id));
  // A connection that is just being set up has none yet.
  if (info == nullptr) return false;
  return EndConnection(port_, info->remote_addr, static_cast<std::uint16_t>(info->remote_port));
}

void CivetServer::Serve(mg_connection* connection) {
  Request request;
  const auto moved = [&] { connections_.Moved(connection, Connections::State::kReading); };
  auto refusal = ReadRequest(connection, options_.max_body_bytes, moved, request);
  if (refusal.has_value()) {
    Refuse(connection, request, std::move(*refusal));
    // Closing with unread bytes resets the connection, and the client may lose the answer: read some more of them.
    std::array<char, 8192> dropped;
    for (int i = 0; i < 128 && ::mg_read(connection, dropped.data(), dropped.size()) > 0; ++i) moved();
    return;
  }
  connections_.Moved(connection, Connections::State::kHandling);
  Response response = router_.Dispatch(request);
  Answer(connection, request, std::move(response), WantsClose(connection, request));
}

void CivetServer::Answer(mg_connection* connection, const Request& request, Response response, bool close) {
  close = close || connections_.Crowded();
  if (response.stream) {
    if (!AnswerStream(connection, request, response, close) || close) ::mg_disable_connection_keep_alive(connection);
    connections_.Moved(connection, Connections::State::kReading);
    return;
  }
  std::string head = Finish(request, options_.gzip_from_bytes, close, response);
  const auto moved = [&] { connections_.Moved(connection, Connections::State::kWriting); };
  moved();
  // One write where it is small: one packet.
  if (response.body.size() <= 4096) head += std::exchange(response.body, {});
  const bool written = WriteAll(connection, head, moved) && WriteAll(connection, response.body, moved);
  if (close || !written) ::mg_disable_connection_keep_alive(connection);
  connections_.Moved(connection, Connections::State::kReading);
}

// What no handler sees: no cache may take it for the path's answer.
void CivetServer::Refuse(mg_connection* connection, const Request& request, Response response) {
  response.headers.emplace_back("Cache-Control", "no-store");
  Answer(connection, request, std::move(response), true);
}

// False: the connection cannot be kept.
bool CivetServer::AnswerStream(mg_connection* connection, const Request& request, const Response& response,
                               bool close) {
  const mg_request_info& info = *::mg_get_request_info(connection);
  const bool chunked = std::string_view(info.http_version) != "1.0";
  const auto moved = [&] { connections_.Moved(connection, Connections::State::kWriting); };
  const auto write = [&](std::string_view bytes) {
    moved();
    const bool written = WriteAll(connection, bytes, moved);
    connections_.Moved(connection, Connections::State::kHandling);  // between pieces the stream works, not the client
    return written;
  };
  if (!write(StreamHead(request, chunked, close, response))) return false;
  if (request.method == "HEAD") return true;
  const StreamForm form{.chunked = chunked, .gzip = IsStreamPacked(request, response)};
  if (SendStream(request, response, form, write, [this] { return connections_.Closing(); })) return true;
  // Where the end of the connection is that of the body, only a reset tells that some is missing.
  if (!chunked) ResetConnection(port_, info.remote_addr, static_cast<std::uint16_t>(info.remote_port));
  return false;
}

void CivetServer::LogLine(const char* message) {
  spdlog::debug("http: {}", message);
  const std::lock_guard lock(mu_);
  if (first_log_line_.empty()) first_log_line_ = message;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Router router) {
  auto server = std::make_unique<CivetServer>(options, std::move(router));
  const Status listening = server->Listen();
  if (!listening.ok()) return Wrap(listening.error(), "listen on " + options.listen_address);
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace cloudmon::http
