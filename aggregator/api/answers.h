// SPDX-License-Identifier: Apache-2.0
// Error answers that several handlers give. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/http/http.h"

namespace cloudmon::api {

[[nodiscard]] http::Response BadParameter(std::string_view message);

// Before the first bucket.
[[nodiscard]] http::Response NotReady(std::int64_t interval_seconds);

}  // namespace cloudmon::api
