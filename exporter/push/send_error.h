// SPDX-License-Identifier: Apache-2.0
// Why sending failed, in words for the log. Pure; thread-safe.
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

namespace cloudmon::push {

// Of an answer that is not 2xx: the status, what to check, and what the server says in `body` (the API's error object,
// or any text).
[[nodiscard]] std::string StatusMessage(long status, std::string_view body);

// Of a transfer without an answer. `os_errno` 0 where not known; `detail` is libcurl's text for it.
[[nodiscard]] std::string TransferMessage(CURLcode code, int os_errno, std::string_view detail);

}  // namespace cloudmon::push
