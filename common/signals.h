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

// Whether one of them has come, for work that ends by itself; takes it. After HoldSignals().
[[nodiscard]] bool TakeSignal();

}  // namespace cloudmon
