// SPDX-License-Identifier: Apache-2.0
// Files for tests: a temporary directory, trees of small files, golden files.
#pragma once

#include <string>
#include <string_view>

namespace cloudmon::test {

// A directory that is removed with all it holds when the object goes.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // Writes a file below it, making directories as needed; returns its full path.
  std::string Write(std::string_view relative, std::string_view content) const;
  // Makes a directory below it; returns its full path.
  std::string MakeDir(std::string_view relative) const;

 private:
  std::string path_;
};

// The whole file, or a failed REQUIRE.
std::string ReadText(const std::string& path);

// Compares `actual` with tests/golden/<name>; with UPDATE_GOLDEN=1 in the environment writes it instead. On a
// difference the check fails and says which line differs first.
void CheckGolden(std::string_view name, std::string_view actual);

}  // namespace cloudmon::test
