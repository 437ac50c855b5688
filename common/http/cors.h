// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "common/http/http.h"

namespace cloudmon::http {

// Lets pages of other origins read the answer in a browser. `origins` are those allowed, "https://host:port" as
// browsers send them, or "*" for any; where the request's Origin is none of them nothing is added. A preflight (OPTIONS
// with Access-Control-Request-Method) is also told the methods of the response's Allow. Thread-safe.
void ApplyCors(const std::vector<std::string>& origins, const Request& request, Response& response);

}  // namespace cloudmon::http
