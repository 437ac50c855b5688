// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/result.h"

namespace cloudmon::push {

// Where to push to: an http or https URL; without a path it gets /api/ingest.
// Error: kInvalid, saying what was expected; it does not repeat a password; kNotFound: no libcurl. Thread-safe.
Result<std::string> ParsePushUrl(const std::string& text);

}  // namespace cloudmon::push
