// SPDX-License-Identifier: Apache-2.0
#include "common/file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>

namespace cloudmon {

void UniqueFd::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status ReadAll(int fd, std::string& out, std::size_t max_bytes) {
  constexpr std::size_t kFirstRead = 4096;
  std::size_t used = 0;
  while (true) {
    if (out.size() < used + kFirstRead) out.resize(used + kFirstRead);
    const ssize_t n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      out.clear();
      return ErrnoError(reason, "read");
    }
    used += static_cast<std::size_t>(n);
    if (used > max_bytes) {
      out.clear();
      return Error{ErrorCode::kLimit, "longer than " + std::to_string(max_bytes) + " bytes"};
    }
    if (n == 0) break;
  }
  out.resize(used);
  return Status::Ok();
}

Status ReadFileAt(int dir_fd, const char* name, std::string& out, std::size_t max_bytes) {
  const UniqueFd fd(::openat(dir_fd, name, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoError(errno, name);
  Status read = ReadAll(fd.get(), out, max_bytes);
  if (!read.ok()) return Wrap(read.error(), name);
  return read;
}

Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes) {
  std::string text;
  const Status read = ReadFileAt(AT_FDCWD, path.c_str(), text, max_bytes);
  if (!read.ok()) return read.error();
  return text;
}

}  // namespace cloudmon
