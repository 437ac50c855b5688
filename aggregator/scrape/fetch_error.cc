// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/fetch_error.h"

#include <string>
#include <system_error>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::scrape {
namespace {

std::string Seconds(std::chrono::milliseconds time) {
  std::string out;
  text::AppendNumber(out, static_cast<double>(time.count()) / 1000);
  return out + " s";
}

std::string Shortened(std::string_view text) {
  constexpr std::size_t kMax = 200;
  return SanitizeUtf8(text.substr(0, kMax));
}

}  // namespace

Error BodyTooLargeError(const FetchLimits& limits) {
  return Error{ErrorCode::kLimit,
               "the page is longer than " + std::to_string(limits.max_body_bytes) + " bytes (--scrape.max-body-bytes)"};
}

Error NoConnectionError(const FetchLimits& limits) {
  return Error{ErrorCode::kTimeout, "waited " + Seconds(limits.timeout) + " for one of " +
                                        std::to_string(limits.max_connections) +
                                        " connections: other targets are slow, or too many are down"};
}

Error HttpStatusError(long status, std::string_view location) {
  std::string message = "the target answered HTTP " + std::to_string(status);
  if (!location.empty()) {
    message += " to " + Shortened(location) + ": redirects are not followed, give the final address";
  } else if (status == 401) {
    message += ": it asks for credentials (--scrape.bearer-token-file, sent over https only)";
  } else if (status == 403) {
    message += ": it does not allow this: check what the token in --scrape.bearer-token-file may do";
  } else if (status == 404) {
    message += ": check the path";
  }
  return Error{ErrorCode::kIo, std::move(message)};
}

Error TransferError(CURLcode code, int os_errno, std::string_view detail, const FetchLimits& limits) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error{ErrorCode::kTimeout, "no complete answer within " + Seconds(limits.timeout) + " (--scrape.timeout)"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error{ErrorCode::kIo, "the host's name is not known: check it, or DNS"};
    case CURLE_COULDNT_CONNECT:
      return Error{ErrorCode::kIo, "cannot connect: " +
                                       (os_errno != 0 ? std::generic_category().message(os_errno) : Shortened(detail)) +
                                       "; is the exporter running there?"};
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return Error{ErrorCode::kIo, "the target closed the connection before the answer was complete"};
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error{ErrorCode::kIo, "the target's certificate is not trusted: " + Shortened(detail) +
                                       "; --scrape.ca-file says who may sign it, --scrape.server-name for which name"};
    case CURLE_SSL_CACERT_BADFILE:
      return Error{ErrorCode::kIo, "--scrape.ca-file: " + Shortened(detail)};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return Error{ErrorCode::kIo, "the answer is not HTTP: check the port"};
    case CURLE_BAD_CONTENT_ENCODING:
      return Error{ErrorCode::kIo, "the answer's gzip is damaged"};
    default:
      return Error{ErrorCode::kIo, Shortened(detail.empty() ? curl_easy_strerror(code) : detail)};
  }
}

}  // namespace cloudmon::scrape
