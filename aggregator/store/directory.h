// SPDX-License-Identifier: Apache-2.0
// The store's directory: made, locked against a second aggregator, damaged databases set aside. All calls do I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/file.h"
#include "common/result.h"

namespace cloudmon::store {

inline constexpr const char* kDatabaseName = "cloud-monitor.db";

// Makes the directory where it is missing and locks it for this process; the lock goes with the descriptor, so also
// when the process is killed. Errors name the directory and what to change: kDenied where it cannot be made or written
// or is in use by another process, else by errno.
Result<UniqueFd> LockDirectory(const std::string& path);

// Renames a database and its -wal and -shm to <file>.damaged-<unix_seconds> (with a further number where that exists).
// Returns the new name.
Result<std::string> SetAside(const std::string& file, std::int64_t unix_seconds);

// Bytes of a database and its -wal; 0 where there is none.
[[nodiscard]] std::uint64_t DatabaseBytes(const std::string& file);

// What this process may still write to the file system of a file; nullopt where that cannot be told.
[[nodiscard]] std::optional<std::uint64_t> AvailableBytes(const std::string& file);

}  // namespace cloudmon::store
