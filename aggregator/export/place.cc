// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/place.h"

#include <cstddef>
#include <string_view>

namespace cloudmon::exports {
namespace {

struct Place {
  std::size_t line = 1, column = 0;
};

// Knows just enough of JSON to say where tokens begin.
class Scanner {
 public:
  void Next(char c) {
    if (c == '\n') {
      ++here_.line;
      here_.column = 0;
    } else {
      ++here_.column;
    }
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      return;
    }
    in_string_ = c == '"';
    const bool is_blank = std::string_view(" \t\r\n,:").find(c) != std::string_view::npos;
    const bool is_mark = std::string_view("{}[]\"").find(c) != std::string_view::npos;
    if (is_mark || (!is_blank && !in_word_)) token_ = here_;
    in_word_ = !is_blank && !is_mark;
  }
  [[nodiscard]] const Place& token() const { return token_; }

 private:
  Place here_, token_{1, 1};
  bool in_string_ = false, escaped_ = false, in_word_ = false;
};

}  // namespace

std::string PlaceOfLastToken(std::istream& in, std::int64_t bytes) {
  in.clear();
  in.seekg(0);
  Scanner scanner;
  for (std::int64_t i = 0; i < bytes; ++i) {
    const int c = in.rdbuf()->sbumpc();
    if (c == std::istream::traits_type::eof()) break;
    scanner.Next(std::istream::traits_type::to_char_type(c));
  }
  return "line " + std::to_string(scanner.token().line) + ", column " + std::to_string(scanner.token().column);
}

}  // namespace cloudmon::exports
