// SPDX-License-Identifier: Apache-2.0
#include "common/kube/api_error.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::kube {
namespace {

ErrorCode CodeOf(long http_status) {
  switch (http_status) {
    case 401:
    case 403:
      return ErrorCode::kDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 410:
      return ErrorCode::kGone;
    default:
      return ErrorCode::kIo;
  }
}

std::string WhatToChange(long http_status, const Api& api) {
  if (http_status == 401 && api.token_file.empty()) return "it wants a token, and no token file is set";
  if (http_status == 401) return "it does not accept the token in " + api.token_file + ": has it expired?";
  if (http_status == 403) return "give the service account a role that allows it";
  if (http_status == 404) return "does this address belong to a Kubernetes API server?";
  if (http_status >= 300 && http_status < 400) return "redirects are not followed: give the final address";
  return {};
}

}  // namespace

std::string Shortened(std::string_view text) {
  constexpr std::size_t kMaxBytes = 300;
  std::string out(text::Trim(text.substr(0, kMaxBytes)));
  std::ranges::replace_if(
      out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return SanitizeUtf8(out);
}

Error StatusError(const nlohmann::json& status) {
  long code = 0;
  std::string said = "no message";
  if (status.is_object()) {
    if (const auto at = status.find("code"); at != status.end() && at->is_number_integer()) code = at->get<long>();
    if (const auto at = status.find("message"); at != status.end() && at->is_string()) said = at->get<std::string>();
  }
  return {CodeOf(code), "the API server says " + std::to_string(code) + ": " + Shortened(said)};
}

Error AnswerError(long http_status, std::string_view body, const Api& api) {
  Error error{CodeOf(http_status), "HTTP " + std::to_string(http_status)};
  if (const std::string change = WhatToChange(http_status, api); !change.empty()) error.message += ": " + change;
  const auto status = nlohmann::json::parse(body, nullptr, false);
  const bool is_status = status.is_object() && status.contains("message") && status["message"].is_string();
  const std::string said = Shortened(is_status ? status["message"].get_ref<const std::string&>() : body);
  if (!said.empty()) error.message += "; the server says: " + said;
  return error;
}

}  // namespace cloudmon::kube
