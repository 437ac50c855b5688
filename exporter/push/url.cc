// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/url.h"

#include <curl/curl.h>

#include <memory>

#include "common/utf8.h"

namespace cloudmon::push {
namespace {

struct UrlDeleter {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

// Empty where the URL has no such part.
std::string Part(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

}  // namespace

Result<std::string> ParsePushUrl(const std::string& text) {
  const Url url(curl_url());
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (text.find('@') != std::string::npos) {
    return Error{ErrorCode::kInvalid, "expected a URL without a user name; a token goes into push.token-file"};
  }
  const std::string scheme = Part(url, CURLUPART_SCHEME);
  const bool is_http = scheme == "http" || scheme == "https";
  if (code != CURLUE_OK || !is_http || !Part(url, CURLUPART_FRAGMENT).empty()) {
    return Error{ErrorCode::kInvalid,
                 "expected a URL such as http://aggregator:8082, got '" + SanitizeUtf8(text) + "'"};
  }
  if (Part(url, CURLUPART_PATH) == "/") curl_url_set(url.get(), CURLUPART_PATH, "/api/ingest", 0);
  return Part(url, CURLUPART_URL);
}

}  // namespace cloudmon::push
