// SPDX-License-Identifier: Apache-2.0
#include "common/http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "common/text.h"

namespace cloudmon::http {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's largest window, with gzip's header
constexpr std::size_t kMaxPartBytes = std::numeric_limits<uInt>::max();

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

void Gzipper::End::operator()(z_stream_s* stream) const {
  ::deflateEnd(stream);
  delete stream;
}

Gzipper::Gzipper() : stream_(new z_stream{}) {
  constexpr int kMemLevel = 8;  // zlib's default
  if (::deflateInit2(stream_.get(), Z_BEST_SPEED, Z_DEFLATED, kGzipWindowBits, kMemLevel, Z_DEFAULT_STRATEGY) != Z_OK)
    stream_.reset();
}

bool Gzipper::Add(std::string_view text, bool last, std::string& out) {
  if (stream_ == nullptr) return false;
  z_stream& stream = *stream_;
  std::size_t written = out.size();
  int state = Z_OK;
  do {
    // zlib counts in 32 bits: longer texts go in parts.
    if (stream.avail_in == 0 && !text.empty()) {
      const std::size_t part = std::min(text.size(), kMaxPartBytes);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
      stream.avail_in = static_cast<uInt>(part);
      text.remove_prefix(part);
    }
    if (out.size() == written) out.resize(written + std::max<std::size_t>(stream.avail_in / 8 + 1024, written / 2));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = static_cast<uInt>(std::min(out.size() - written, kMaxPartBytes));
    const uInt room = stream.avail_out;
    state = ::deflate(&stream, last && text.empty() ? Z_FINISH : Z_NO_FLUSH);
    written += room - stream.avail_out;
  } while (state == Z_OK && (last || stream.avail_in > 0 || !text.empty() || stream.avail_out == 0));
  out.resize(written);
  // Z_BUF_ERROR: the room was just enough, and nothing was left to do in the last round.
  return last ? state == Z_STREAM_END : state == Z_OK || state == Z_BUF_ERROR;
}

std::string Gzip(std::string_view text) {
  std::string out;
  if (!Gzipper().Add(text, true, out)) out.clear();
  return out;
}

Result<std::string> Gunzip(std::string_view packed, std::size_t max_bytes) {
  if (packed.size() > kMaxPartBytes) return Error{ErrorCode::kLimit, "more than 4 GiB of gzip"};
  z_stream stream{};
  if (::inflateInit2(&stream, kGzipWindowBits) != Z_OK) return Error{ErrorCode::kLimit, "no memory left to unpack it"};
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, ::inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::size_t written = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    // One byte above the limit tells that it is passed.
    if (out.size() == written)
      out.resize(written + std::min(std::max<std::size_t>(written, 4096), max_bytes - written) + 1);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
    stream.avail_out = static_cast<uInt>(std::min(out.size() - written, kMaxPartBytes));
    const uInt room = stream.avail_out;
    state = ::inflate(&stream, Z_NO_FLUSH);
    written += room - stream.avail_out;
    if (written > max_bytes) {
      return Error{ErrorCode::kLimit,
                   "unpacked it is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
    }
    if (state == Z_STREAM_END && stream.avail_in > 0) state = ::inflateReset(&stream);
  }
  if (state != Z_STREAM_END) {
    return Error{ErrorCode::kParse,
                 state == Z_BUF_ERROR ? "the gzip file is cut short" : "not a gzip file, or a damaged one"};
  }
  out.resize(written);
  return out;
}

}  // namespace cloudmon::http
