// SPDX-License-Identifier: Apache-2.0
// Hashes that stand for the texts of heads, so that these need not be kept. Pure but for the constructor; thread-safe.
//
// Two different texts with the same hash would be taken for the same series. That is not a concern: with 128 bits, a
// billion series compared with each other collide by chance once in 10^20 times; and nobody can make a collision on
// purpose, because the secret is random, never leaves the program, and nothing that a page's writer sees depends on it.
// A wrong series would moreover be one of the same target, which may say of its series what it likes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace cloudmon::scrape {

using HeadHash = std::array<std::uint32_t, 4>;  // of words, so that what holds one is not padded

class HeadHasher {
 public:
  HeadHasher();  // with a secret of its own

  [[nodiscard]] HeadHash operator()(std::string_view text) const;
  // Of several texts, which are valid UTF-8; other cuts of the same bytes hash to something else.
  [[nodiscard]] HeadHash operator()(std::initializer_list<std::string_view> texts) const;

 private:
  std::array<std::uint32_t, 48> secret_;
};

}  // namespace cloudmon::scrape
