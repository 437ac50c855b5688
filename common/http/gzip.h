// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace cloudmon::http {

// Whether a request's Accept-Encoding allows gzip: "gzip", "*", with q values above 0 (RFC 9110 section 12.5.3).
// An empty or malformed header does not. Thread-safe.
[[nodiscard]] bool AcceptsGzip(std::string_view accept_encoding);

// Whether answers of this type shrink: text and JSON do, images do not. Thread-safe.
[[nodiscard]] bool IsCompressible(std::string_view content_type);

// `text` as a gzip file, at zlib's fastest level: metrics text becomes a twentieth, with half the CPU of the default
// level, which would save a further 8 %.
// Empty when memory is short: send the text as it is. Thread-safe.
[[nodiscard]] std::string Gzip(std::string_view text);

}  // namespace cloudmon::http
