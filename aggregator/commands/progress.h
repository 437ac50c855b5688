// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloudmon {

// A line on standard error that says how far a command is; nothing where that is no terminal. One thread.
class Progress {
 public:
  Progress();
  ~Progress() { Clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // "pods.json  [######..............]  31 %  1.2 of 3.9 GB"; drawn ten times a second at most. `detail` is only asked
  // for then.
  template <class Detail>
  void Show(std::string_view what, double part, Detail detail) {
    if (IsDue()) Draw(what, part, detail());
  }
  // Removes the line.
  void Clear();

 private:
  bool IsDue();
  static void Draw(std::string_view what, double part, const std::string& detail);

  const bool terminal_;
  std::chrono::steady_clock::time_point last_{};
  bool drawn_ = false;
};

// "812 B", "1.2 GB".
[[nodiscard]] std::string BytesText(std::uint64_t bytes);

}  // namespace cloudmon
