// SPDX-License-Identifier: Apache-2.0
#include "common/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "common/text.h"

namespace cloudmon::http {
namespace {

// The weight in "gzip;q=0.5": 1 without one, nothing when malformed.
std::optional<double> Weight(std::string_view parameters) {
  const std::string_view parameter = text::Trim(parameters);
  if (parameter.empty()) return 1;
  if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) return std::nullopt;
  const auto weight = text::ParseDouble(parameter.substr(2));
  if (!weight.ok() || !(weight.value() >= 0 && weight.value() <= 1)) return std::nullopt;
  return weight.value();
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

bool AcceptsGzip(std::string_view accept_encoding) {
  std::optional<double> gzip;
  std::optional<double> any;
  while (!accept_encoding.empty()) {
    std::string_view rest = text::Cut(accept_encoding, ',');
    const std::string coding = Lower(text::Trim(text::Cut(rest, ';')));
    const double weight = Weight(rest).value_or(0);
    if (coding == "gzip" || coding == "x-gzip") gzip = weight;
    if (coding == "*") any = weight;
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

bool IsCompressible(std::string_view content_type) {
  return content_type.starts_with("text/") || content_type.starts_with("application/") ||
         content_type.starts_with("image/svg");
}

std::string Gzip(std::string_view text) {
  constexpr int kGzipWindowBits = 15 + 16;  // zlib's largest window, with gzip's header
  constexpr int kMemLevel = 8;              // zlib's default
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string out;
  std::size_t written = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    // zlib counts in 32 bits: longer texts go in parts.
    if (stream.avail_in == 0 && !text.empty()) {
      const std::size_t part = std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max());
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      stream.avail_in = static_cast<uInt>(part);
      text.remove_prefix(part);
    }
    if (out.size() == written) out.resize(written + std::max<std::size_t>(stream.avail_in / 8 + 1024, written / 2));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size() - written, std::numeric_limits<uInt>::max()));
    const uInt room = stream.avail_out;
    state = ::deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
    written += room - stream.avail_out;
  }
  ::deflateEnd(&stream);
  out.resize(state == Z_STREAM_END ? written : 0);
  return out;
}

}  // namespace cloudmon::http
