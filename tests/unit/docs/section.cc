// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/docs/section.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/files.h"

namespace cloudmon::test {

void CheckSection(const std::string& document, const std::string& name, const std::string& text) {
  const std::string begin = "<!-- begin " + name + " -->\n";
  const std::string end = "<!-- end " + name + " -->";
  std::string all = ReadText(document);
  const auto from = all.find(begin);
  REQUIRE_MESSAGE(from != std::string::npos, document, " has no ", begin);
  const auto start = from + begin.size();
  const auto stop = all.find(end, start);
  REQUIRE_MESSAGE(stop != std::string::npos, document, " has no ", end);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    all.replace(start, stop - start, text);
    std::ofstream(document, std::ios::binary) << all;
    return;
  }
  CHECK_MESSAGE(all.substr(start, stop - start) == text, document, ", section ", name,
                ": differs from the code; run this test with UPDATE_GOLDEN=1");
}

}  // namespace cloudmon::test
