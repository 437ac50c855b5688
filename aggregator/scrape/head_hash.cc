// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/head_hash.h"

#include <bit>
#include <random>
#include <string>

#define XXH_INLINE_ALL  // no library to install where the program runs
#include <xxhash.h>

namespace cloudmon::scrape {

HeadHasher::HeadHasher() {
  static_assert(sizeof(secret_) == XXH_SECRET_DEFAULT_SIZE);
  std::random_device random;
  XXH3_generateSecret_fromSeed(secret_.data(), std::uint64_t{random()} << 32U | random());
}

HeadHash HeadHasher::operator()(std::string_view text) const {
  return std::bit_cast<HeadHash>(XXH3_128bits_withSecret(text.data(), text.size(), secret_.data(), sizeof(secret_)));
}

HeadHash HeadHasher::operator()(std::initializer_list<std::string_view> texts) const {
  constexpr char kNotInUtf8 = '\xff';
  std::string joined;
  for (const std::string_view text : texts) {
    joined += text;
    joined += kNotInUtf8;
  }
  return (*this)(joined);
}

}  // namespace cloudmon::scrape
