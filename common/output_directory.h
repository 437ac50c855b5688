// SPDX-License-Identifier: Apache-2.0
// A directory whose files change all at once or not at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "common/result.h"

namespace cloudmon {

// Files are written under temporary names, which Commit() changes to the right ones; without it they are removed. One
// thread at a time.
class OutputDirectory {
 public:
  // Makes the directory where it is missing and locks it against another such writer. Errors name the directory.
  static Result<OutputDirectory> Open(const std::string& path);
  OutputDirectory(OutputDirectory&&) = default;
  OutputDirectory& operator=(OutputDirectory&&) = delete;
  ~OutputDirectory();

  // Begins a file; what is appended afterwards goes into it. Errors name the file.
  Status Begin(std::string_view name);
  Status Append(std::string_view text);
  // Ends the last file, makes all durable and gives them their names.
  Status Commit();

 private:
  OutputDirectory(std::string path, UniqueFd directory) : path_(std::move(path)), directory_(std::move(directory)) {}
  [[nodiscard]] Error Failed(int error) const;
  Status End();

  std::string path_;
  UniqueFd directory_;
  UniqueFd file_;                   // the one being written
  std::vector<std::string> names_;  // begun and not renamed
};

}  // namespace cloudmon
