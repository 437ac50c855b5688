// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cloudmon::exposition {

// Prometheus text format 0.0.4 and OpenMetrics text 1.0.0.
enum class Format : std::uint8_t { kText, kOpenMetrics };

// The Content-Type that says so, with version and charset.
[[nodiscard]] std::string_view ContentType(Format format);

// Chooses by an Accept header: OpenMetrics where it is accepted with at least the weight (q) of text/plain, else text.
// Thread-safe. Source: RFC 9110 section 12.5.1.
[[nodiscard]] Format NegotiateFormat(std::string_view accept);

// What a target's Content-Type says its body is; anything unknown counts as text.
[[nodiscard]] Format FormatOfContentType(std::string_view content_type);

}  // namespace cloudmon::exposition
