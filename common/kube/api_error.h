// SPDX-License-Identifier: Apache-2.0
// What the Kubernetes API says when it refuses, as errors that say what to change. Pure; safe from any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "common/kube/api.h"
#include "common/result.h"

namespace cloudmon::kube {

// The first 300 bytes on one line, as valid UTF-8: servers cannot write lines of our log.
[[nodiscard]] std::string Shortened(std::string_view text);

// A Status object: kGone for code 410, kDenied for 401 and 403, kNotFound for 404, else kIo; with its message.
[[nodiscard]] Error StatusError(const nlohmann::json& status);

// An answer that is not 200: `body` may be a Status object, or anything. The message says what to change.
[[nodiscard]] Error AnswerError(long http_status, std::string_view body, const Api& api);

}  // namespace cloudmon::kube
