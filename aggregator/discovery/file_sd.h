// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "aggregator/discovery/discovery.h"

namespace cloudmon::discovery {

// Targets from files in Prometheus' file_sd format. `pattern` is a path, or a path whose last part has *, ? or [...].
// A file is read again when its inode, size or times change, so both writing in place and renaming over it are seen.
// A file that cannot be read or parsed keeps its last good targets, with one warning until it changes. A file that a
// pattern no longer matches is gone with its targets; a path without wildcards that is missing counts as unreadable.
std::unique_ptr<Discovery> MakeFileSd(std::string pattern);

}  // namespace cloudmon::discovery
