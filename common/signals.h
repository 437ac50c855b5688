// SPDX-License-Identifier: Apache-2.0
// Ending and reloading on signals, in the main thread and without handlers.
#pragma once

#include <cstdint>

namespace cloudmon {

enum class Signal : std::uint8_t { kStop, kReload };

// Holds SIGINT, SIGTERM and SIGHUP back for WaitForSignal and ignores SIGPIPE. Called in main before any thread starts,
// so that all threads inherit it.
void HoldSignals();

// Waits for the next of them: SIGINT and SIGTERM are kStop, SIGHUP is kReload. One thread only.
[[nodiscard]] Signal WaitForSignal();

}  // namespace cloudmon
