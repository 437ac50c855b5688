// SPDX-License-Identifier: Apache-2.0
#include "common/http/router.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <utility>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::http {
namespace {

// "/api/nodes/" -> {"api", "nodes", ""}: unlike text::SplitList, empty segments count.
std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.empty() || path[0] != '/') return segments;
  std::size_t start = 1;
  for (;;) {
    const std::size_t end = path.find('/', start);
    segments.push_back(path.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return segments;
    start = end + 1;
  }
}

bool IsName(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

struct Match {
  const Route* route = nullptr;
  // One character a segment, 'b' for a name and 'a' for a literal: the smallest wins.
  std::string rank;
  std::map<std::string, std::string, std::less<>> params;
};

// Whether `route` answers the path; fills `match`.
bool Matches(const Route& route, const std::vector<std::string>& path, Match& match) {
  const std::vector<std::string_view> pattern = Segments(route.pattern);
  if (pattern.size() != path.size()) return false;
  match = {.route = &route, .rank = {}, .params = {}};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (IsName(pattern[i])) {
      if (path[i].empty()) return false;
      match.params.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
      match.rank += 'b';
    } else {
      if (pattern[i] != path[i]) return false;
      match.rank += 'a';
    }
  }
  return true;
}

bool Answers(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

std::string Allow(const std::set<std::string>& methods) {
  std::string allow = "OPTIONS";
  for (const std::string& method : methods) allow += ", " + method + (method == "GET" ? ", HEAD" : "");
  return allow;
}

// The decoded segments; they are split first, so that a %2F stays within its segment.
Result<std::vector<std::string>> DecodedSegments(const Request& request) {
  std::vector<std::string> decoded;
  for (const std::string_view segment : Segments(request.raw_path.empty() ? request.path : request.raw_path)) {
    auto plain = request.raw_path.empty() ? Result<std::string>(std::string(segment)) : PercentDecode(segment);
    if (!plain.ok()) return plain.error();
    decoded.push_back(SanitizeUtf8(plain.value()));
  }
  return decoded;
}

Response Call(const Route& route, const Request& request) {
  std::string what = "not a standard exception";
  try {
    return route.handler(request);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {  // NOLINT: a handler must not end the process, whatever it throws
  }
  spdlog::error("{} {}: exception in the handler: {}", route.method, route.pattern, what);
  return JsonError(500, "internal_error", "the server failed on this request; its log says why");
}

}  // namespace

void Router::Add(std::string method, std::string pattern, std::string summary, Handler handler) {
  routes_.push_back({std::move(method), std::move(pattern), std::move(summary), std::move(handler)});
}

Response Router::Dispatch(Request request) const {
  std::string pattern;
  Response response = Answer(request, pattern);
  if (filter_) filter_(request, pattern, response);
  return response;
}

Response Router::Answer(Request& request, std::string& pattern) const {
  auto path = DecodedSegments(request);
  if (!path.ok()) return JsonError(400, "bad_request", "path: " + path.error().message);
  request.path = SanitizeUtf8(request.path);

  Match best;
  std::set<std::string> methods;
  for (const Route& route : routes_) {
    Match match;
    if (!Matches(route, path.value(), match)) continue;
    methods.insert(route.method);
    if (pattern.empty()) pattern = route.pattern;
    if (!Answers(route, request.method)) continue;
    if (best.route == nullptr || match.rank < best.rank) best = std::move(match);
  }
  if (methods.empty()) return JsonError(404, "not_found", "no such path: " + request.path);
  if (best.route != nullptr) {
    request.path_params = std::move(best.params);
    pattern = best.route->pattern;
    return Call(*best.route, request);
  }
  Response response;
  if (request.method == "OPTIONS") {
    response.status = 204;
  } else {
    const std::string method = request.method == "HEAD" ? "GET" : request.method;  // as long an answer as that to GET
    response = JsonError(405, "method_not_allowed", method + " is not allowed here; use " + Allow(methods));
  }
  response.headers.emplace_back("Allow", Allow(methods));
  return response;
}

}  // namespace cloudmon::http
