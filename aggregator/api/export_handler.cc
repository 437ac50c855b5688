// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/export_handler.h"

#include <spdlog/spdlog.h>

#include <string>

#include "aggregator/api/answers.h"
#include "aggregator/export/range.h"

namespace cloudmon::api {
namespace {

constexpr const char* kRetryAfterSeconds = "10";

// Held by an export while it runs; null where no more may run.
std::shared_ptr<void> TakeSlot(const RunningExports& running) {
  if (running->fetch_add(1) < kMaxExports) {
    return {running.get(), [running](void* /*count*/) { running->fetch_sub(1); }};
  }
  running->fetch_sub(1);
  return nullptr;
}

http::Response Busy() {
  http::Response response = http::JsonError(
      503, "busy",
      std::to_string(kMaxExports) + " exports are running, which is the limit; try again when one has ended");
  response.headers.emplace_back("Retry-After", kRetryAfterSeconds);
  return response;
}

}  // namespace

http::Response HandleExport(const ApiDeps& deps, const RunningExports& running, const exports::File& file,
                            const http::Request& request) {
  const auto pairs = http::ParseQueryString(request.query);
  if (!pairs.ok()) return BadParameter(pairs.error().message);
  const auto query = exports::ParseRange(pairs.value(), deps.options.interval_seconds);
  if (!query.ok()) return BadParameter(query.error().message);
  const auto newest = deps.store.NewestBucket();
  if (!newest) return NotReady(deps.options.interval_seconds);
  const std::shared_ptr<void> slot = TakeSlot(running);
  if (!slot) return Busy();

  http::Response response;
  response.content_type = "application/json";
  response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + std::string(file.name) + "\"");
  const TimeRange range = ResolveRange(query.value(), *newest, deps.clock.NowMs(), deps.options.interval_seconds);
  response.stream = [slot, file, range, &store = deps.store](const http::BodySink& sink) {
    const auto for_each = [&store](const auto& selector, auto start, auto end, const auto& less, auto points,
                                   const auto& take) {
      return store.ForEach(selector, start, end, less, points, take);
    };
    const Status status = exports::WriteFile(for_each, file.kind, range, sink);
    if (!status.ok() && status.error().code != ErrorCode::kGone) {
      spdlog::error("export of {} broken off: {}", file.name, status.error().message);
    }
    return status.ok();
  };
  return response;
}

}  // namespace cloudmon::api
