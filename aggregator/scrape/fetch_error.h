// SPDX-License-Identifier: Apache-2.0
// Why a fetch failed, in words for /api/targets and the log. Pure; thread-safe.
#pragma once

#include <curl/curl.h>

#include <string_view>

#include "aggregator/scrape/fetcher.h"
#include "common/result.h"

namespace cloudmon::scrape {

// kLimit, naming --scrape.max-body-bytes.
[[nodiscard]] Error BodyTooLargeError(const FetchLimits& limits);

// kTimeout: waited the whole timeout for one of max_connections.
[[nodiscard]] Error NoConnectionError(const FetchLimits& limits);

// kIo, for any status but 200; `location` is where a redirect points to, or empty.
[[nodiscard]] Error HttpStatusError(long status, std::string_view location);

// kTimeout or kIo. `os_errno` 0 and `detail` empty where not known.
[[nodiscard]] Error TransferError(CURLcode code, int os_errno, std::string_view detail, const FetchLimits& limits);

}  // namespace cloudmon::scrape
