// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "aggregator/api/handlers.h"
#include "common/http/http.h"

namespace cloudmon::api {

// How far the time of a pushed document may be from the clock; these are accepted.
inline constexpr std::int64_t kMaxPushAgeMs = 3'600'000;
inline constexpr std::int64_t kMaxPushAheadMs = 60'000;

// POST /api/ingest: hands a node's document (ingest/document.h) to deps.push. 200 {"status":"ok","accepted":N}; 400 not
// JSON or not such a document; 401 without the token; 409 another source reports the node; 413 and 415 by size and
// type; 422 a time too far from the clock; 503 with Retry-After while there is no room. Thread-safe.
[[nodiscard]] http::Response HandleIngest(const ApiDeps& deps, const http::Request& request);

}  // namespace cloudmon::api
