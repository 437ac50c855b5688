// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/ingest_handler.h"

#include <strings.h>

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "aggregator/api/time_text.h"
#include "aggregator/ingest/document.h"
#include "common/http/gzip.h"
#include "common/text.h"

namespace cloudmon::api {
namespace {

using http::JsonError;
using http::Request;
using http::Response;

constexpr std::string_view kBearer = "bearer ";

bool SameWord(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Takes the same time wherever the texts differ, so that a token cannot be guessed byte by byte.
bool SameSecret(std::string_view sent, std::string_view secret) {
  unsigned different = sent.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    different |= static_cast<unsigned char>(sent[i]) ^ static_cast<unsigned char>(secret[i % secret.size()]);
  }
  return different == 0;
}

std::optional<Response> RefuseToken(const Request& request, const std::string& token) {
  if (token.empty()) return std::nullopt;
  const std::string_view sent = request.Header("Authorization");
  const bool is_bearer = SameWord(sent.substr(0, kBearer.size()), kBearer);
  if (is_bearer && SameSecret(text::Trim(sent.substr(kBearer.size())), token)) return std::nullopt;
  Response response = JsonError(
      401, "unauthorized",
      std::string(is_bearer ? "the token is not this server's" : "a token is needed") +
          ": send the header 'Authorization: Bearer TOKEN' with the token in this server's ingest.token-file");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response TooLarge(const ApiDeps& deps, std::string_view what) {
  return JsonError(413, "body_too_large",
                   std::string(what) + " must be at most " + std::to_string(deps.options.max_ingest_bytes) +
                       " bytes (ingest.max-body-bytes)");
}

std::optional<Response> RefuseType(const Request& request) {
  std::string_view rest = request.Header("Content-Type");
  const std::string_view type = text::Trim(text::Cut(rest, ';'));
  if (type.empty() || SameWord(type, "application/json")) return std::nullopt;
  return JsonError(415, "unsupported_media_type", "Content-Type: expected application/json, got " + Quoted(type));
}

// The document's text: `unpacked` is its place where it came packed. A Response where it is refused.
std::optional<Response> Unpack(const ApiDeps& deps, const Request& request, std::string& unpacked,
                               std::string_view& body) {
  body = request.body;
  if (body.size() > deps.options.max_ingest_bytes) return TooLarge(deps, "the body");
  const std::string_view coding = text::Trim(request.Header("Content-Encoding"));
  if (coding.empty() || SameWord(coding, "identity")) return std::nullopt;
  if (!SameWord(coding, "gzip") && !SameWord(coding, "x-gzip")) {
    Response response =
        JsonError(415, "unsupported_encoding", "Content-Encoding: expected gzip or none, got " + Quoted(coding));
    response.headers.emplace_back("Accept-Encoding", "gzip");
    return response;
  }
  auto text = http::Gunzip(body, deps.options.max_ingest_bytes);
  if (!text.ok() && text.error().code == ErrorCode::kLimit) return TooLarge(deps, "the unpacked body");
  if (!text.ok()) return JsonError(400, "bad_encoding", "Content-Encoding gzip: " + text.error().message);
  unpacked = std::move(text).value();
  body = unpacked;
  return std::nullopt;
}

// "1795369213 (2026-11-22T17:40:13Z)"
std::string TimeText(std::int64_t unix_ms) {
  const std::int64_t seconds = unix_ms / 1000;
  const std::time_t time = seconds;
  std::tm utc{};
  char text[64] = "";
  if (::gmtime_r(&time, &utc) != nullptr) std::strftime(text, sizeof text, " (%Y-%m-%dT%H:%M:%SZ)", &utc);
  return std::to_string(seconds) + text;
}

std::optional<Response> RefuseTime(std::int64_t timestamp_ms, std::int64_t now_ms) {
  const std::int64_t ahead_ms = timestamp_ms - now_ms;
  if (ahead_ms <= kMaxPushAheadMs && ahead_ms >= -kMaxPushAgeMs) return std::nullopt;
  const bool is_late = ahead_ms < 0;
  std::string message = "/timestamp: " + TimeText(timestamp_ms) + " is " + std::to_string(std::abs(ahead_ms) / 1000) +
                        " s " + (is_late ? "behind" : "ahead of") + " this server's clock, " + TimeText(now_ms) +
                        "; at most " + std::to_string((is_late ? kMaxPushAgeMs : kMaxPushAheadMs) / 1000) +
                        " s are accepted";
  constexpr std::int64_t kMilliseconds = 1000;  // a time in them, read as seconds, is this many times too large
  if (timestamp_ms / kMilliseconds > now_ms / 2) message += "; is it in milliseconds?";
  return JsonError(422, "bad_timestamp", message);
}

Response PushRefused(const Error& error) {
  if (error.code == ErrorCode::kDenied) return JsonError(409, "conflict", error.message);
  if (error.code != ErrorCode::kLimit) return JsonError(500, "internal_error", error.message);
  Response response = JsonError(503, "busy", error.message);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response Accepted(std::size_t count) {
  Response response;
  response.content_type = "application/json";
  response.body = "{\"status\":\"ok\",\"accepted\":" + std::to_string(count) + "}\n";
  return response;
}

}  // namespace

Response HandleIngest(const ApiDeps& deps, const Request& request) {
  if (auto refused = RefuseToken(request, deps.ingest_token())) return std::move(*refused);
  if (auto refused = RefuseType(request)) return std::move(*refused);
  std::string unpacked;
  std::string_view body;
  if (auto refused = Unpack(deps, request, unpacked, body)) return std::move(*refused);
  auto document = ingest::ParseDocument(body);
  if (!document.ok()) return JsonError(400, "bad_document", document.error().message);
  if (auto refused = RefuseTime(document.value().timestamp_ms, deps.clock.NowMs())) return std::move(*refused);
  const std::size_t accepted = document.value().accepted;
  const Status pushed = deps.push({.measured_at_ms = document.value().timestamp_ms,
                                   .from = request.remote_address,
                                   .body_bytes = body.size(),
                                   .reading = std::move(document.value().reading)});
  return pushed.ok() ? Accepted(accepted) : PushRefused(pushed.error());
}

}  // namespace cloudmon::api
