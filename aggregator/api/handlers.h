// SPDX-License-Identifier: Apache-2.0
// The aggregator's HTTP routes: functions from Request to Response over a store and a few functions of main's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "aggregator/remote_write/ship_stats.h"
#include "aggregator/scrape/loop.h"
#include "aggregator/scrape/status.h"
#include "aggregator/store/store.h"
#include "common/clock.h"
#include "common/http/router.h"
#include "common/process_stats.h"
#include "common/result.h"

namespace cloudmon::api {

struct ApiOptions {
  std::int64_t interval_seconds = 10;        // the buckets' width
  std::size_t max_points = 2'000'000;        // query.max-points: of one answer (members times steps)
  bool rollup_metrics = true;                // /metrics also shows the newest bucket's rollups
  std::size_t max_ingest_bytes = 4U << 20U;  // ingest.max-body-bytes: of one pushed document, after decompression
  std::vector<std::string> cors_origins{};   // web.cors-origins: "https://host", or "*"; empty: no CORS headers
};

// `store` and `clock` must outlive the router. The functions are called from many threads.
struct ApiDeps {
  const store::Store& store;
  const Clock& clock;
  ApiOptions options{};
  std::function<std::vector<scrape::TargetStatus>()> targets{};
  std::function<scrape::LoopStats()> loop_stats{};
  std::function<ProcessStats()> process_stats{};
  std::function<Status()> reload{};  // POST /-/reload; its error's message is shown to the caller
  // POST /api/ingest. Errors as scrape::Loop::Push().
  std::function<Status(scrape::PushedReading)> push{};
  std::function<std::string()> ingest_token{};  // what a sender must present; empty: nothing
  std::function<std::optional<remote_write::ShipStats>()> remote_write_stats{};  // nullopt: it is off
};

// All routes. Every error is JSON, {"error": {"code", "message"}}, and names what to change; answers under /api are
// marked as not to be cached. Requests are counted by route and status (cloudmon_http_requests_total).
[[nodiscard]] http::Router BuildRouter(const ApiDeps& deps);

}  // namespace cloudmon::api
