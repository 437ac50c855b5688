// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudmon {

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF). Thread-safe.
[[nodiscard]] bool IsValidUtf8(std::string_view text);

// Returns `text` with each byte that is not part of a well-formed sequence replaced by U+FFFD. Called once, where text
// enters the program (labels, file names), so that nothing further in has to think of it. Thread-safe.
[[nodiscard]] std::string SanitizeUtf8(std::string_view text);

}  // namespace cloudmon
