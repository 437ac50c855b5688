// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/process_probe.h"

#include "common/file.h"
#include "common/text.h"
#include "common/utf8.h"
#include "exporter/identity/container_match.h"

namespace cloudmon::identity {

ProcessHints ProcessProbe::Look(std::uint32_t pid, std::string_view pod_uid) const {
  const std::string process = procfs_ + "/" + std::to_string(pid);
  ProcessHints hints;
  if (const auto comm = ReadFile(process + "/comm"); comm.ok()) hints.comm = SanitizeUtf8(text::Trim(comm.value()));
  if (const auto mounts = ReadFile(process + "/mountinfo"); mounts.ok()) {
    hints.container_name = ContainerNameFromMountinfo(mounts.value(), pod_uid);
  }
  return hints;
}

}  // namespace cloudmon::identity
