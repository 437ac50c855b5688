// SPDX-License-Identifier: Apache-2.0
// Directories read by handle. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "common/file.h"
#include "common/result.h"

namespace cloudmon::cgroup {

// Opens the directory `name` relative to `dir_fd`, to be listed. Errors by errno: kNotFound, kDenied, ...
Result<UniqueFd> OpenDirectory(int dir_fd, const char* name);

// The names of all entries (ListNames) or of the directories only (ListDirectories), without "." and "..", in no order.
// `dir_fd` must be open for listing and not have been listed before. A directory that has gone is empty.
Result<std::vector<std::string>> ListNames(int dir_fd);
Result<std::vector<std::string>> ListDirectories(int dir_fd);

// False where the file system says that there are no directories in it, which saves the listing: cgroup file systems
// and most others count them as links.
bool MayHaveDirectories(int dir_fd);

}  // namespace cloudmon::cgroup
