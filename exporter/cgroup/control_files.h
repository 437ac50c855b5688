// SPDX-License-Identifier: Apache-2.0
// Reads the control files of cgroups, of which as many as allowed stay open from pass to pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "common/result.h"

namespace cloudmon::cgroup {

// The open control files of one cgroup. One thread at a time.
class KeptFiles {
 public:
  // The descriptor of the file `name` in a mount; -1 where none is kept.
  [[nodiscard]] int Find(std::size_t mount, const char* name);
  // `name` must have static storage.
  void Add(std::size_t mount, const char* name, UniqueFd fd);
  [[nodiscard]] std::size_t size() const { return files_.size(); }

 private:
  struct File {
    const char* name;
    std::uint32_t mount;
    UniqueFd fd;
  };
  std::vector<File> files_;
  std::size_t next_ = 0;  // files are asked for in the same order on each pass
};

// A file of a cgroup.
struct ControlFile {
  int dir_fd;              // the cgroup's directory in a mount, or the mount's
  std::string_view below;  // the cgroup's path from there: "" or "/kubepods/..."
  std::size_t mount;
  const char* name;  // static storage
};

// One thread at a time.
class ControlFiles {
 public:
  // Keeps at most `max_kept` files and directories open, and never the last kReserve descriptors that the process may
  // have.
  explicit ControlFiles(std::size_t max_kept);
  static constexpr std::size_t kReserve = 256;

  // To be called before a pass with the number of those that are kept.
  void Begin(std::size_t kept);

  // The whole text of a file, valid until the next call. Where `kept` is given, the file is in it or added to it while
  // there is room. Errors: kNotFound (without a message): not there, or not supported, as pressure files are without
  // accounting and cgroup.procs is in a threaded cgroup; kGone: its cgroup is being or has been removed; kLimit: too
  // long.
  Result<std::string_view> Read(const ControlFile& file, KeptFiles* kept);
  // The same for any other file.
  Result<std::string_view> ReadOnce(int dir_fd, const char* path);
  // Opens any file or directory with openat's `flags`. Errors: kNotFound (without a message), else by errno.
  Result<UniqueFd> Open(int dir_fd, const char* path, int flags);
  // True, and counted: one more file or directory may stay open.
  [[nodiscard]] bool MayKeep();

  // The process, or the machine, had no descriptor left in this pass, while some were kept.
  [[nodiscard]] bool out_of_descriptors() const { return out_of_descriptors_ && kept_ > 0; }
  // Keeps no more in this pass, and from the next one on half of what was kept up to now.
  void KeepLess() { max_kept_ = kept_ = kept_ / 2; }

 private:
  Result<std::string_view> ReadFrom(int fd);

  std::size_t max_kept_;
  std::size_t kept_ = 0;
  bool out_of_descriptors_ = false;
  std::string path_, buffer_;  // reused from file to file
};

}  // namespace cloudmon::cgroup
