// SPDX-License-Identifier: Apache-2.0
#include "common/output_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

namespace cloudmon {
namespace {

// One name for each file, so that what a killed run leaves behind is written over.
std::string TemporaryName(const std::string& name) {
  return "." + name + ".part";
}

}  // namespace

Result<OutputDirectory> OutputDirectory::Open(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed && failed != std::errc::file_exists && failed != std::errc::not_a_directory) {
    return ErrnoError(failed.value(), path);
  }
  UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) return ErrnoError(errno, path);
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return ErrnoError(errno, path);
    return Error{ErrorCode::kDenied,
                 path + ": another process writes there; wait for its end or take another directory"};
  }
  return OutputDirectory(path, std::move(directory));
}

OutputDirectory::~OutputDirectory() {
  for (const std::string& name : names_) ::unlinkat(directory_.get(), TemporaryName(name).c_str(), 0);
}

Error OutputDirectory::Failed(int error) const {
  return ErrnoError(error, path_ + "/" + names_.back());
}

Status OutputDirectory::Begin(std::string_view name) {
  if (Status ended = End(); !ended.ok()) return ended;
  names_.emplace_back(name);
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  file_ = UniqueFd(::openat(directory_.get(), TemporaryName(names_.back()).c_str(), kFlags, 0644));
  if (!file_.valid()) return Failed(errno);
  return Status::Ok();
}

Status OutputDirectory::Append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file_.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return Status::Ok();
}

Status OutputDirectory::End() {
  if (file_.valid() && ::fsync(file_.get()) != 0) return Failed(errno);
  file_.Reset();
  return Status::Ok();
}

Status OutputDirectory::Commit() {
  if (Status ended = End(); !ended.ok()) return ended;
  for (; !names_.empty(); names_.pop_back()) {
    const std::string& name = names_.back();
    if (::renameat(directory_.get(), TemporaryName(name).c_str(), directory_.get(), name.c_str()) != 0) {
      return Failed(errno);
    }
  }
  if (::fsync(directory_.get()) != 0) return ErrnoError(errno, path_);
  return Status::Ok();
}

}  // namespace cloudmon
