// SPDX-License-Identifier: Apache-2.0
#include "tests/support/files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "common/text.h"

namespace cloudmon::test {
namespace fs = std::filesystem;

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "cloudmon-test-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TempDir::Write(std::string_view relative, std::string_view content) const {
  const fs::path file = fs::path(path_) / relative;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  return file.string();
}

std::string TempDir::MakeDir(std::string_view relative) const {
  const fs::path dir = fs::path(path_) / relative;
  fs::create_directories(dir);
  return dir.string();
}

std::string ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), "cannot read ", path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void CheckGolden(std::string_view name, std::string_view actual) {
  const fs::path file = fs::path("tests/golden") / name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << actual;
    return;
  }
  const std::string expected = ReadText(file.string());
  std::string_view want = expected;
  for (int line = 1; !want.empty() || !actual.empty(); ++line) {
    const std::string_view want_line = text::CutLine(want);
    const std::string_view actual_line = text::CutLine(actual);
    if (want_line == actual_line) continue;
    FAIL_CHECK(file.string(), ":", line, "\n  expected: ", std::string(want_line),
               "\n  actual:   ", std::string(actual_line));
    return;
  }
}

}  // namespace cloudmon::test
