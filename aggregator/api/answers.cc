// SPDX-License-Identifier: Apache-2.0
#include "aggregator/api/answers.h"

#include <string>

namespace cloudmon::api {

http::Response BadParameter(std::string_view message) {
  return http::JsonError(400, "bad_parameter", message);
}

http::Response NotReady(std::int64_t interval_seconds) {
  http::Response response = http::JsonError(
      503, "not_ready", "no bucket is complete yet; try again after one interval, and see /api/targets if it stays so");
  response.headers.emplace_back("Retry-After", std::to_string(interval_seconds));
  return response;
}

}  // namespace cloudmon::api
