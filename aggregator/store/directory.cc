// SPDX-License-Identifier: Apache-2.0
#include "aggregator/store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/text.h"

namespace cloudmon::store {
namespace fs = std::filesystem;
namespace {

Error NotWritable(const std::string& path, int errno_value) {
  Error error = ErrnoError(errno_value, "storage.path: cannot write to '" + path + "'");
  // A path below a file and a read-only file system are the user's to change, just as missing rights are.
  if (errno_value == EROFS || errno_value == ENOTDIR || errno_value == EEXIST) error.code = ErrorCode::kDenied;
  error.message += "; let the aggregator's user write there, or set storage.path to another directory";
  return error;
}

}  // namespace

Result<UniqueFd> LockDirectory(const std::string& path) {
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) return NotWritable(path, failed.value());
  const std::string lock_file = (fs::path(path) / "lock").string();
  UniqueFd fd(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return NotWritable(path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return NotWritable(path, errno);
    std::string owner;
    const bool known = ReadAll(fd.get(), owner, 64).ok() && text::ParseU64(text::Trim(owner)).ok();
    return Error{ErrorCode::kDenied, "storage.path: '" + path + "' is in use by another aggregator" +
                                         (known ? " (process " + std::string(text::Trim(owner)) + ")" : "") +
                                         "; stop that one, or set storage.path to another directory"};
  }
  // For the message above; the lock itself needs no content, so a disk too full for it is no error.
  const std::string owner = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) == 0) (void)!::write(fd.get(), owner.data(), owner.size());
  return fd;
}

Result<std::string> SetAside(const std::string& file, std::int64_t unix_seconds) {
  const std::string first = file + ".damaged-" + std::to_string(unix_seconds);
  std::string target = first;
  std::error_code failed;
  for (int n = 2; fs::exists(target, failed); ++n) target = first + "-" + std::to_string(n);
  for (const char* suffix : {"-wal", "-shm", ""}) {
    fs::rename(file + suffix, target + suffix, failed);
    if (failed && failed.value() != ENOENT) return ErrnoError(failed.value(), file + suffix);
  }
  return target;
}

std::uint64_t DatabaseBytes(const std::string& file) {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code failed;
    const std::uintmax_t size = fs::file_size(file + suffix, failed);
    if (!failed) bytes += size;
  }
  return bytes;
}

std::optional<std::uint64_t> AvailableBytes(const std::string& file) {
  std::error_code failed;
  const fs::space_info space = fs::space(file, failed);
  if (failed) return std::nullopt;
  return space.available;
}

}  // namespace cloudmon::store
