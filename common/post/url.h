// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/result.h"

namespace cloudmon::post {

struct UrlRules {
  const char* path;         // of a URL without one
  const char* example;      // in messages
  const char* credentials;  // what a user name in the URL is told: "a token goes into push.token-file"
};

// Where to send to: an http or https URL, with the default path where it has none.
// Error: kInvalid, saying what was expected; it does not repeat a password; kNotFound: no libcurl. Thread-safe.
Result<std::string> ParseUrl(const std::string& text, const UrlRules& rules);

}  // namespace cloudmon::post
