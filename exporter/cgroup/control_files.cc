// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/control_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace cloudmon::cgroup {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t AllowedDescriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur <= ControlFiles::kReserve) return 0;
  return limit.rlim_cur - ControlFiles::kReserve;
}

}  // namespace

int KeptFiles::Find(std::size_t mount, const char* name) {
  for (std::size_t tried = 0; tried < files_.size(); ++tried, ++next_) {
    if (next_ >= files_.size()) next_ = 0;
    const File& file = files_[next_];
    if (file.mount == mount && std::strcmp(file.name, name) == 0) {
      ++next_;
      return file.fd.get();
    }
  }
  return -1;
}

void KeptFiles::Add(std::size_t mount, const char* name, UniqueFd fd) {
  files_.push_back({name, static_cast<std::uint32_t>(mount), std::move(fd)});
}

ControlFiles::ControlFiles(std::size_t max_kept) : max_kept_(std::min(max_kept, AllowedDescriptors())) {}

void ControlFiles::Begin(std::size_t kept) {
  kept_ = kept;
  out_of_descriptors_ = false;
}

Result<std::string_view> ControlFiles::Read(const ControlFile& file, KeptFiles* kept) {
  const int kept_fd = kept == nullptr ? -1 : kept->Find(file.mount, file.name);
  if (kept_fd >= 0) return ReadFrom(kept_fd);
  path_.assign(".").append(file.below).append("/").append(file.name);
  auto fd = Open(file.dir_fd, path_.c_str(), O_RDONLY);
  if (!fd.ok()) return fd.error();
  auto text = ReadFrom(fd.value().get());
  if (text.ok() && kept != nullptr && MayKeep()) kept->Add(file.mount, file.name, std::move(fd).value());
  return text;
}

Result<std::string_view> ControlFiles::ReadOnce(int dir_fd, const char* path) {
  const auto fd = Open(dir_fd, path, O_RDONLY);
  if (!fd.ok()) return fd.error();
  return ReadFrom(fd.value().get());
}

Result<UniqueFd> ControlFiles::Open(int dir_fd, const char* path, int flags) {
  UniqueFd fd(::openat(dir_fd, path, flags | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ENOENT) return Error{ErrorCode::kNotFound, {}};
  if (errno == EMFILE || errno == ENFILE) out_of_descriptors_ = true;
  return ErrnoError(errno, "open");
}

bool ControlFiles::MayKeep() {
  if (kept_ >= max_kept_) return false;
  ++kept_;
  return true;
}

// A second read to see the end would cost as much as the first. It is not needed: the kernel gives as many whole lines
// as fit into a page, and no line of a file that has many is nearly that long.
Result<std::string_view> ControlFiles::ReadFrom(int fd) {
  constexpr std::size_t kSurelyNotLast = kPage / 2;
  std::size_t used = 0;
  while (true) {
    if (buffer_.size() < used + kPage) buffer_.resize(used + kPage);
    const ssize_t n = ::pread(fd, buffer_.data() + used, buffer_.size() - used, static_cast<off_t>(used));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoError(errno, "read");
    used += static_cast<std::size_t>(n);
    if (used > kMaxControlFileBytes) {
      buffer_.clear();
      return Error{ErrorCode::kLimit, "longer than " + std::to_string(kMaxControlFileBytes) + " bytes"};
    }
    if (static_cast<std::size_t>(n) < kSurelyNotLast) return std::string_view(buffer_).substr(0, used);
  }
}

}  // namespace cloudmon::cgroup
