// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace cloudmon::api {

// docs/openapi.json as it was when this was built: the contract of this server's routes, OpenAPI 3.1.
extern const std::string_view kOpenApiJson;

}  // namespace cloudmon::api
