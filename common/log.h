// SPDX-License-Identifier: Apache-2.0
// Logging is spdlog's default logger on standard error: spdlog::info("...", ...). This sets it up.
#pragma once

#include <string_view>

#include "common/result.h"

namespace cloudmon {

// Sets the level (debug, info, warn, error) and the line's form. Called once, before threads start.
// Error: kInvalid, naming the levels there are.
Status InitLog(std::string_view level);

}  // namespace cloudmon
