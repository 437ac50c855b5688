// SPDX-License-Identifier: Apache-2.0
// Descriptors that close themselves, and whole, bounded reads of small files (/proc, cgroup, tokens, configuration).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.h"

namespace cloudmon {

// Owns a file descriptor; -1 is none. Movable, not copyable.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { Reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  void Reset();

 private:
  int fd_ = -1;
};

// Raises the soft limit of open files to the hard one, as far as that is possible.
void RaiseDescriptorLimit();

// Control files of /proc and cgroupfs are at most this long; a longer one is refused with kLimit.
inline constexpr std::size_t kMaxControlFileBytes = 4U << 20U;

// Reads from `fd`'s current position to the end into `out` (its old content goes, its capacity is reused). Retries
// EINTR. Errors: kLimit above `max_bytes`; kGone for ENODEV and ESRCH (the cgroup or process went while being read);
// else by errno.
Status ReadAll(int fd, std::string& out, std::size_t max_bytes = kMaxControlFileBytes);

// Opens `name` relative to the directory `dir_fd` (AT_FDCWD: the working directory) and reads it whole.
// Errors as ReadAll; kNotFound where there is no such file. The message starts with `name`. Thread-safe.
Status ReadFileAt(int dir_fd, const char* name, std::string& out, std::size_t max_bytes = kMaxControlFileBytes);

// The same by path, returning the text.
Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes = kMaxControlFileBytes);

}  // namespace cloudmon
