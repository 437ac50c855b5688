// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/http/http.h"

namespace cloudmon::http {

struct Route {
  std::string method;   // "GET" also answers HEAD
  std::string pattern;  // "/api/nodes/{node}/pods": a {name} matches one whole non-empty segment
  std::string summary;  // one line, shown by `GET /api` and the landing pages
  Handler handler;
};

// Finds the route of a request. Literal segments win over {names}. Built once, then read-only and thread-safe.
class Router {
 public:
  void Add(std::string method, std::string pattern, std::string summary, Handler handler);

  // Calls the handler. Segments are split in raw_path (where given) and decoded afterwards, so that %2F does not split;
  // path and path_params are valid UTF-8 when the handler sees them. Unknown path: 404; known path with another method:
  // 405 with Allow; a bad percent escape: 400; an exception out of a handler: 500, logged. All as JsonError. OPTIONS on
  // a known path: 204 with Allow.
  [[nodiscard]] Response Dispatch(Request request) const;

  // Called with every response that Dispatch gives, its own (404, 405, OPTIONS, 400, 500) too, before it is returned.
  // `pattern` is that of the route, also for 405 and OPTIONS; empty where no path matched.
  using Filter = std::function<void(const Request& request, std::string_view pattern, Response& response)>;
  void SetFilter(Filter filter) { filter_ = std::move(filter); }

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  [[nodiscard]] Response Answer(Request& request, std::string& pattern) const;

  std::vector<Route> routes_;
  Filter filter_;
};

}  // namespace cloudmon::http
