// SPDX-License-Identifier: Apache-2.0
#include "common/http/cors.h"

#include <algorithm>
#include <string_view>

namespace cloudmon::http {

void ApplyCors(const std::vector<std::string>& origins, const Request& request, Response& response) {
  const std::string_view origin = request.Header("Origin");
  const auto listed = [&](std::string_view one) {
    return std::find(origins.begin(), origins.end(), one) != origins.end();
  };
  const bool any = listed("*");
  if (origin.empty() || (!any && !listed(origin))) return;

  auto& headers = response.headers;
  const bool preflight = request.method == "OPTIONS" && !request.Header("Access-Control-Request-Method").empty();
  const auto allow = std::find_if(headers.begin(), headers.end(), [](const auto& h) { return h.first == "Allow"; });
  const std::string methods = preflight && allow != headers.end() ? allow->second : "";

  headers.emplace_back("Access-Control-Allow-Origin", any ? "*" : origin);
  if (!any) headers.emplace_back("Vary", "Origin");  // a line of its own: the server may add another
  if (methods.empty()) return;
  headers.emplace_back("Access-Control-Allow-Methods", methods);
  headers.emplace_back("Access-Control-Allow-Headers", "Authorization, Content-Type");
  headers.emplace_back("Access-Control-Max-Age", "600");  // seconds
}

}  // namespace cloudmon::http
