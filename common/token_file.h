// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "common/result.h"

namespace cloudmon {

// The token in the file's first line, without blanks around it. Errors start with the path and do not show what is in
// the file: kInvalid where the line is empty or is not printable ASCII, else why the file cannot be read. Thread-safe.
Result<std::string> ReadTokenFile(const std::string& path);

// The same for a password: any text, blanks included, and kInvalid only where the line is empty.
Result<std::string> ReadPasswordFile(const std::string& path);

}  // namespace cloudmon
