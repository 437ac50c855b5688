// SPDX-License-Identifier: Apache-2.0
// Why sending failed, in words for the log. Pure; thread-safe.
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

namespace cloudmon::post {

// What messages call things: settings, as "push.url", and whom is sent to, as "the aggregator".
struct Names {
  std::string_view url, credentials;
  std::string_view ca_file;  // may be empty
  std::string_view server;
};

// Of an answer that is not 2xx: the status, what to check, and what the server says in `body` (our API's error object,
// or any text).
[[nodiscard]] std::string StatusMessage(long status, std::string_view body, const Names& names);

// Of a transfer without an answer. `os_errno` 0 where not known; `detail` is libcurl's text for it.
[[nodiscard]] std::string TransferMessage(CURLcode code, int os_errno, std::string_view detail, const Names& names);

}  // namespace cloudmon::post
