// SPDX-License-Identifier: Apache-2.0
#include "exporter/identity/process_probe.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"

namespace cloudmon::identity {
namespace {

TEST_CASE("ProcessProbe") {
  const test::TempDir proc;
  proc.Write("10/comm", "nginx\n");
  proc.Write("10/mountinfo",
             "1 2 8:1 / / rw - ext4 /dev/sda1 rw\n"
             "3 1 8:1 /kubelet/pods/u1/containers/web/5f3c1a2b /dev/termination-log rw - ext4 /dev/sda1 rw\n");
  proc.Write("11/comm", "pa\xffuse\n");
  const ProcessProbe probe(proc.path());
  const ProcessHints web = probe.Look(10, "u1");
  CHECK(web.comm == "nginx");
  CHECK(web.container_name == "web");
  CHECK(probe.Look(10, "u2").container_name.empty());
  CHECK(probe.Look(11, "u1").comm == "pa\xEF\xBF\xBDuse");
  const ProcessHints gone = probe.Look(12, "u1");
  CHECK(gone.comm.empty());
  CHECK(gone.container_name.empty());
}

}  // namespace
}  // namespace cloudmon::identity
