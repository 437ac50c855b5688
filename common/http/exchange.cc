// SPDX-License-Identifier: Apache-2.0
#include "common/http/exchange.h"

#include <civetweb.h>
#include <strings.h>

#include <algorithm>
#include <array>

#include "common/http/gzip.h"
#include "common/text.h"

namespace cloudmon::http {
namespace {

constexpr std::size_t kPieceBytes = 16U << 10U;  // on the stack of civetweb's threads, which is 100 KiB

// The reason phrase of a status; nobody parses it, but logs and people read it.
std::string_view Reason(int status) {
  return ::mg_get_response_code_text(nullptr, status);
}

bool IsName(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() && ::strncasecmp(name.data(), wanted.data(), wanted.size()) == 0;
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Response TooLarge(std::size_t max_body_bytes) {
  return JsonError(413, "body_too_large", "the body must be at most " + std::to_string(max_body_bytes) + " bytes");
}

std::optional<Response> ReadBody(mg_connection* connection, const Framing& framing, std::size_t max_body_bytes,
                                 const std::function<void()>& moved, std::string& body) {
  std::array<char, kPieceBytes> piece;
  for (;;) {
    const int count = ::mg_read(connection, piece.data(), piece.size());
    if (count < 0 && framing.chunked) {
      return JsonError(400, "bad_request", "the chunked body is malformed or did not arrive in time");
    }
    if (count <= 0) break;
    moved();
    if (body.size() + static_cast<std::size_t>(count) > max_body_bytes) return TooLarge(max_body_bytes);
    body.append(piece.data(), static_cast<std::size_t>(count));
  }
  if (!framing.chunked && body.size() != framing.content_length) {
    return JsonError(408, "timeout",
                     "the body did not arrive in time: Content-Length says " + std::to_string(framing.content_length) +
                         " bytes, " + std::to_string(body.size()) + " came");
  }
  return std::nullopt;
}

void AppendHeader(std::string& head, std::string_view name, std::string_view value) {
  if (name.empty() || HasControl(name) || HasControl(value)) return;
  head.append(name).append(": ").append(value).append("\r\n");
}

// The status line and the handler's own headers.
std::string StartHead(const Response& response) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head.append(Reason(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers) AppendHeader(head, name, value);
  return head;
}

// Whether it may be compressed for those who accept that.
bool IsPackable(const Response& response) {
  return IsCompressible(response.content_type) &&
         std::none_of(response.headers.begin(), response.headers.end(),
                      [](const auto& header) { return IsName(header.first, "Content-Encoding"); });
}

}  // namespace

Result<Framing> ParseFraming(const std::vector<std::pair<std::string, std::string>>& headers) {
  Framing framing;
  std::optional<std::string> length;
  for (const auto& [name, value] : headers) {
    if (IsName(name, "Transfer-Encoding")) {
      if (framing.chunked) return Error{ErrorCode::kParse, "two Transfer-Encoding headers"};
      if (!IsName(value, "chunked")) return Error{ErrorCode::kParse, "Transfer-Encoding: only chunked is known"};
      framing.chunked = true;
    }
    if (IsName(name, "Content-Length")) {
      if (length.has_value()) return Error{ErrorCode::kParse, "two Content-Length headers"};
      length = value;
    }
  }
  if (!length.has_value()) return framing;
  if (framing.chunked) return Error{ErrorCode::kParse, "both Content-Length and Transfer-Encoding"};
  const auto bytes = text::ParseU64(text::Trim(*length));
  if (!bytes.ok()) return Wrap(bytes.error(), "Content-Length");
  framing.content_length = bytes.value();
  return framing;
}

std::optional<Response> ReadRequest(mg_connection* connection, std::size_t max_body_bytes,
                                    const std::function<void()>& moved, Request& request) {
  const mg_request_info& info = *::mg_get_request_info(connection);
  request.method = info.request_method;
  request.remote_address = info.remote_addr;
  request.raw_path = info.local_uri_raw;
  request.query = info.query_string != nullptr ? info.query_string : "";
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  if (info.num_headers >= MG_MAX_HEADERS) {  // civetweb drops what is above, and it may be a Content-Length
    return JsonError(431, "header_too_large", "at most " + std::to_string(MG_MAX_HEADERS - 1) + " headers are read");
  }
  auto path = PercentDecode(request.raw_path);
  if (!path.ok()) return JsonError(400, "bad_request", "path: " + path.error().message);
  request.path = std::move(path).value();
  const auto framing = ParseFraming(request.headers);
  if (!framing.ok()) return JsonError(400, "bad_request", framing.error().message);
  if (framing.value().content_length > max_body_bytes) return TooLarge(max_body_bytes);
  const std::string_view expect = request.Header("Expect");
  if (!expect.empty()) {
    if (!IsName(expect, "100-continue")) return JsonError(417, "bad_request", "Expect: only 100-continue is known");
    if (!WriteAll(connection, "HTTP/1.1 100 Continue\r\n\r\n", moved)) return JsonError(408, "timeout", "client went");
  }
  return ReadBody(connection, framing.value(), max_body_bytes, moved, request.body);
}

std::string Finish(const Request& request, std::size_t gzip_from_bytes, bool close, Response& response) {
  std::string head = StartHead(response);
  if (response.body.size() >= gzip_from_bytes && IsPackable(response)) {
    AppendHeader(head, "Vary", "Accept-Encoding");
    std::string packed = AcceptsGzip(request.Header("Accept-Encoding")) ? Gzip(response.body) : std::string();
    if (!packed.empty()) {
      AppendHeader(head, "Content-Encoding", "gzip");
      response.body = std::move(packed);
    }
  }
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body) {
    AppendHeader(head, "Content-Type", response.content_type);
    AppendHeader(head, "Content-Length", std::to_string(response.body.size()));
    AppendHeader(head, "X-Content-Type-Options", "nosniff");
  }
  if (close) AppendHeader(head, "Connection", "close");
  if (!has_body || request.method == "HEAD") response.body.clear();
  return head + "\r\n";
}

bool IsStreamPacked(const Request& request, const Response& response) {
  return IsPackable(response) && AcceptsGzip(request.Header("Accept-Encoding"));
}

std::string StreamHead(const Request& request, bool chunked, bool close, const Response& response) {
  std::string head = StartHead(response);
  if (IsPackable(response)) AppendHeader(head, "Vary", "Accept-Encoding");
  if (IsStreamPacked(request, response)) AppendHeader(head, "Content-Encoding", "gzip");
  AppendHeader(head, "Content-Type", response.content_type);
  if (chunked) AppendHeader(head, "Transfer-Encoding", "chunked");
  AppendHeader(head, "X-Content-Type-Options", "nosniff");
  if (close) AppendHeader(head, "Connection", "close");
  return head + "\r\n";
}

bool WriteAll(mg_connection* connection, std::string_view text, const std::function<void()>& moved) {
  constexpr std::size_t kWriteBytes = 256U << 10U;
  while (!text.empty()) {
    const std::string_view piece = text.substr(0, kWriteBytes);
    const int count = ::mg_write(connection, piece.data(), piece.size());
    if (count < 0 || static_cast<std::size_t>(count) != piece.size()) return false;
    moved();
    text.remove_prefix(piece.size());
  }
  return true;
}

}  // namespace cloudmon::http
