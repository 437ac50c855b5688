// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/series_handler.h"

#include <optional>
#include <string>
#include <utility>

#include "aggregator/api/answers.h"
#include "aggregator/api/json_writer.h"
#include "aggregator/api/query.h"
#include "aggregator/api/select.h"
#include "aggregator/api/time_text.h"

namespace cloudmon::api {
namespace {

http::Response TooManyPoints(std::string_view message) {
  return http::JsonError(422, "too_many_points", message);
}

http::Response ReadFailed(const Error& error) {
  if (error.code == ErrorCode::kLimit) return TooManyPoints(error.message);
  return http::JsonError(500, "store", error.message);
}

// "no pod 'web-1' in namespace 'shop' is known; ..."
http::Response UnknownMember(const store::Selector& named) {
  const bool is_pod = !named.pod.empty();
  const bool is_deployment = !is_pod && !named.deployment.empty();
  std::string message = "no ";
  if (is_pod) message += "pod " + Quoted(named.pod);
  if (is_deployment) message += "deployment " + Quoted(named.deployment);
  if ((is_pod || is_deployment) && !named.ns.empty()) message += " in ";
  if (!named.ns.empty()) message += "namespace " + Quoted(named.ns);
  if (!named.node.empty()) message += "node " + Quoted(named.node);
  const std::string_view list = is_pod              ? "/api/pods"
                                : is_deployment     ? "/api/deployments"
                                : !named.ns.empty() ? "/api/namespaces"
                                                    : "/api/nodes";
  message += " is known within the retention; check the name, ";
  message.append(list).append(" lists those there are now");
  return http::JsonError(404, "not_found", message);
}

http::Response Json(std::string body) {
  http::Response response;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

http::Response WriteSeries(const std::vector<store::SeriesSlice>& slices, const SeriesQuery& query,
                           std::size_t max_points) {
  const auto members = OrderMembers(slices, query.sort, query.limit);
  if (query.format == OutputFormat::kEntries) return Json(WriteEntries(members, query.fields, query.sort));
  // Members that come and go make columns larger than the points they hold.
  if (const std::size_t cells = ColumnCells(members, query.step_seconds); cells > max_points) {
    return TooManyPoints("the columns would have " + std::to_string(cells) + " cells, the limit is " +
                         std::to_string(max_points) +
                         " (query.max-points): ask for a smaller window, a larger step, fewer members or "
                         "format=entries");
  }
  return Json(WriteColumns(members, query.fields, query.step_seconds));
}

}  // namespace

http::Response HandleSeries(const ApiDeps& deps, series::Kind kind, const http::Request& request) {
  const ApiOptions& options = deps.options;
  const auto pairs = http::ParseQueryString(request.query);
  if (!pairs.ok()) return BadParameter(pairs.error().message);
  const auto query = ParseSeriesQuery(pairs.value(), options.interval_seconds);
  if (!query.ok()) return BadParameter(query.error().message);
  const auto members = ResolveMembers(kind, request.path_params, query.value());
  if (!members.ok()) return BadParameter(members.error().message);

  const auto newest = deps.store.NewestBucket();
  if (!newest) return NotReady(options.interval_seconds);
  const TimeRange range = ResolveRange(query.value(), *newest, deps.clock.NowMs(), options.interval_seconds);
  const auto slices = ReadSeries(deps.store, members.value().selector, range, query.value(), options.interval_seconds,
                                 options.max_points);
  if (!slices.ok()) return ReadFailed(slices.error());
  if (slices.value().empty() && !members.value().all_known && !deps.store.Knows(members.value().named)) {
    return UnknownMember(members.value().named);
  }
  return WriteSeries(slices.value(), query.value(), options.max_points);
}

}  // namespace cloudmon::api
