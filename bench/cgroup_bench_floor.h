// SPDX-License-Identifier: Apache-2.0
// The least that reading a tree's control files can cost: descriptors that stay open, one pread each into one buffer,
// nothing parsed.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/file.h"
#include "exporter/cgroup/layout.h"

namespace cloudmon::bench {

// CPU time of this process, all threads.
double CpuMs(const std::function<void()>& work);

// The files that a scan reads, as far as this kernel has them, open. Of more than 250 pods it reads 250, as there are
// not descriptors enough for all, and its time counts for all.
class Floor {
 public:
  Floor(const cgroup::Layout& layout, const std::string& prefix, int pods);

  void Read();
  // CPU time of one Read, taken for all pods.
  double Ms() {
    return scale_ * CpuMs([this] { Read(); });
  }

  // Of all pods.
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(scale_ * static_cast<double>(files_.size()));
  }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  void Open(cgroup::Controller controller, const std::string& name, const std::string& path);
  void OpenPath(const std::string& path);

  const cgroup::Layout& layout_;
  const std::string prefix_;
  double scale_ = 1;
  std::vector<UniqueFd> files_;
  std::vector<char> buffer_ = std::vector<char>(64U << 10U);
  std::size_t failed_ = 0;
};

}  // namespace cloudmon::bench
