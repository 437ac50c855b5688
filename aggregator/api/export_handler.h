// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "aggregator/api/handlers.h"
#include "aggregator/export/writer.h"
#include "common/http/http.h"

namespace cloudmon::api {

// So many exports may run at a time: each holds a thread of the server and reads much.
inline constexpr int kMaxExports = 2;
// How many run; shared by their handlers. Thread-safe.
using RunningExports = std::shared_ptr<std::atomic<int>>;

// Answers /api/export/<file>: the file, streamed. An export counts as running until its response is destroyed.
[[nodiscard]] http::Response HandleExport(const ApiDeps& deps, const RunningExports& running, const exports::File& file,
                                          const http::Request& request);

}  // namespace cloudmon::api
