// SPDX-License-Identifier: Apache-2.0
#include "common/post/send_error.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::post {
namespace {

// On one line, so that a server cannot write lines of our log.
std::string Shortened(std::string_view text) {
  constexpr std::size_t kMax = 300;
  std::string out(text::Trim(text.substr(0, kMax)));
  std::ranges::replace_if(
      out, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, ' ');
  return SanitizeUtf8(out);
}

std::string ServerMessage(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const nlohmann::json::json_pointer place("/error/message");
  if (json.is_object() && json.contains(place) && json.at(place).is_string()) {
    return Shortened(json.at(place).get_ref<const std::string&>());
  }
  return Shortened(body);
}

std::string WhatToCheck(long status, const Names& names) {
  if (status >= 300 && status < 400) {
    return "redirects are not followed: give " + std::string(names.url) + " the final address";
  }
  if (status == 401 || status == 403) return "check " + std::string(names.credentials);
  if (status == 404) return "check " + std::string(names.url);
  return {};
}

}  // namespace

std::string StatusMessage(long status, std::string_view body, const Names& names) {
  std::string out = "HTTP " + std::to_string(status);
  if (const std::string advice = WhatToCheck(status, names); !advice.empty()) out += ": " + advice;
  if (const std::string said = ServerMessage(body); !said.empty()) out += "; the server says: " + said;
  return out;
}

std::string TransferMessage(CURLcode code, int os_errno, std::string_view detail, const Names& names) {
  const std::string url(names.url), server(names.server), ca_file(names.ca_file);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return "no answer in time: is " + server + " overloaded, or a firewall between?";
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the host's name is not known: check " + url + ", or DNS";
    case CURLE_COULDNT_CONNECT:
      return "cannot connect: " + (os_errno != 0 ? std::generic_category().message(os_errno) : Shortened(detail)) +
             "; is " + server + " running there?";
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return "the server closed the connection before it answered";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return "the answer is not HTTP: check " + url + "'s port";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return Shortened(detail) + (ca_file.empty() ? "" : ": check " + ca_file);
    default:
      return Shortened(detail);
  }
}

}  // namespace cloudmon::post
