// SPDX-License-Identifier: Apache-2.0
// Times and spans as they stand in query parameters, and the timestamp of an entry. Safe to call from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cloudmon::api {

// Unix seconds ("1795369210", "1795369210.5") or RFC 3339 ("2026-11-22T17:40:10Z", "...10.25+01:00") as Unix
// milliseconds, rounded up. A blank counts as the offset's '+', because that is what an unescaped '+' in a query string
// becomes. Times before 1970 and after 9999 are refused: the latter are milliseconds given as seconds.
// Error: kParse "expected Unix seconds or RFC 3339 such as 2026-11-22T17:40:10Z, got '...'".
Result<std::int64_t> ParseInstantMs(std::string_view text);

// "90" or "90s", "5m", "2h", "1d" as seconds; from 1 second to 36500 days.
// Error: kParse "expected seconds or a duration such as 5m, got '...'".
Result<std::int64_t> ParseSpanSeconds(std::string_view text);

// "2026-11-22 17:40:10" in the server's local time (TZ decides).
[[nodiscard]] std::string LocalTimestamp(std::int64_t unix_seconds);

// The reverse; the second of two equal times when clocks are set back is not told from the first. nullopt for another
// form, and for what never was on the clock.
[[nodiscard]] std::optional<std::int64_t> ParseLocalTimestamp(std::string_view text);

// "'text'" for a message: cut to 64 bytes, invalid UTF-8 replaced.
[[nodiscard]] std::string Quoted(std::string_view text);

}  // namespace cloudmon::api
