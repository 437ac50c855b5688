// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace cloudmon::api {

struct RouteLine {
  std::string method, pattern, summary;
};

// A small page of its own: name, version, links to the routes and to example queries. No scripts. Pure.
[[nodiscard]] std::string LandingPage(const std::vector<RouteLine>& routes);

// [{"method", "path", "summary"}], a route on each line. Pure.
[[nodiscard]] std::string RoutesJson(const std::vector<RouteLine>& routes);

}  // namespace cloudmon::api
