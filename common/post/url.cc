// SPDX-License-Identifier: Apache-2.0
#include "common/post/url.h"

#include <memory>

#include "common/libcurl/libcurl.h"
#include "common/utf8.h"

namespace cloudmon::post {
namespace {

using Url = std::unique_ptr<CURLU, decltype(Libcurl::url_cleanup)>;

// Empty where the URL has no such part.
std::string Part(const Libcurl& curl, const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl.url_get(url.get(), part, &text, 0) != CURLUE_OK) return {};
  std::string out = text;
  curl.free(text);
  return out;
}

}  // namespace

Result<std::string> ParseUrl(const std::string& text, const UrlRules& rules) {
  const auto loaded = LoadLibcurl();
  if (!loaded.ok()) return loaded.error();
  const Libcurl& curl = *loaded.value();
  const Url url(curl.url(), curl.url_cleanup);
  const CURLUcode code = curl.url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME);
  if (text.find('@') != std::string::npos) {
    return Error{ErrorCode::kInvalid, std::string("expected a URL without a user name; ") + rules.credentials};
  }
  const std::string scheme = Part(curl, url, CURLUPART_SCHEME);
  const bool is_http = scheme == "http" || scheme == "https";
  if (code != CURLUE_OK || !is_http || !Part(curl, url, CURLUPART_FRAGMENT).empty()) {
    return Error{ErrorCode::kInvalid,
                 std::string("expected a URL such as ") + rules.example + ", got '" + SanitizeUtf8(text) + "'"};
  }
  if (Part(curl, url, CURLUPART_PATH) == "/") curl.url_set(url.get(), CURLUPART_PATH, rules.path, 0);
  return Part(curl, url, CURLUPART_URL);
}

}  // namespace cloudmon::post
