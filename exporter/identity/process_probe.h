// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "exporter/identity/resolver.h"

namespace cloudmon::identity {

// Reads comm and mountinfo below `procfs` (--path.procfs), which needs no privilege. What cannot be read is empty.
// Thread-safe.
class ProcessProbe final : public Probe {
 public:
  explicit ProcessProbe(std::string procfs) : procfs_(std::move(procfs)) {}
  [[nodiscard]] ProcessHints Look(std::uint32_t pid, std::string_view pod_uid) const override;

 private:
  std::string procfs_;
};

}  // namespace cloudmon::identity
