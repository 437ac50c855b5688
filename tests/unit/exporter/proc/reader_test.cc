// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/reader.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/files.h"

using cloudmon::ErrorCode;
using cloudmon::test::TempDir;
using namespace cloudmon::proc;

namespace {

// A node's files; `root` holds its /proc and stands for its root directory.
void WriteNode(const TempDir& root) {
  root.Write("proc/stat", "cpu  1 1 1 1 1 1 1 1\ncpu0 100 0 0 0 0 0 0 0 0 0\nbtime 1795360000\n");
  root.Write("proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 4 kB\n");
  root.Write("proc/loadavg", "0.20 0.18 0.12 1/80 11206\n");
  root.Write("proc/sys/kernel/ostype", "Linux\n");
  root.Write("proc/sys/kernel/osrelease", "6.1.0\n");
  root.Write("proc/sys/kernel/version", "#1 SMP\n");
  root.Write("proc/sys/kernel/domainname", "(none)\n");
  root.Write("proc/diskstats", "254 0 vda 10 1 20 3 30 4 40 5 0 60 70\n254 1 vda1 1 1 2 3 3 4 4 5 0 6 7\n");
  root.Write("proc/1/net/dev", "eth0: 1 2 3 4 0 0 0 0 5 6 7 8\nveth1: 1 2 3 4 0 0 0 0 5 6 7 8\n");
  root.Write("proc/net/dev", "wrong0: 1 2 3 4 0 0 0 0 5 6 7 8\n");
  root.Write("proc/pressure/cpu", "some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362\n");
  root.Write("proc/pressure/memory", "some total=1\nfull total=2\n");
  root.Write("proc/pressure/io", "some total=3\nfull total=4\n");
  root.Write(
      "proc/1/mounts",
      "proc /proc proc rw 0 0\n/dev/vda1 / ext4 rw 0 0\n/dev/vdb /my\\040data xfs rw 0 0\n/dev/vdc /away xfs rw 0 0\n");
  root.MakeDir("my data");
}

NodeReader Reader(const TempDir& root) {
  return NodeReader({.procfs = root.path() + "/proc", .cgroup = "", .rootfs = root.path(), .podlogs = ""}, 100);
}

}  // namespace

TEST_CASE("a whole node") {
  const TempDir root;
  WriteNode(root);
  NodeReader reader = Reader(root);
  const NodeStats stats = reader.Read();
  CHECK(stats.errors.empty());
  REQUIRE(stats.cpus.size() == 1);
  CHECK(stats.cpus[0].user_seconds == 1);
  CHECK(stats.kernel.boot_time_seconds == 1795360000);
  REQUIRE(stats.uname);
  CHECK(stats.uname->sysname == "Linux");
  CHECK(stats.uname->release == "6.1.0");
  CHECK(stats.uname->version == "#1 SMP");
  CHECK(stats.uname->machine.empty());  // an old kernel
  CHECK(stats.uname->domain == "(none)");
  CHECK(stats.memory.total == 10240);
  CHECK(stats.memory.available == 4096);
  CHECK(!stats.memory.free);
  REQUIRE(stats.load);
  CHECK(stats.load->load15 == 0.12);
  REQUIRE(stats.disks.size() == 2);
  CHECK(stats.disks[1].name == "vda1");
  REQUIRE(stats.interfaces.size() == 2);
  CHECK(stats.interfaces[0].name == "eth0");
  CHECK(stats.cpu_pressure.some_total_usec == 8537362);
  CHECK(!stats.cpu_pressure.full_total_usec);
  CHECK(stats.memory_pressure.full_total_usec == 2);
  CHECK(stats.io_pressure.some_total_usec == 3);
  CHECK(stats.file_systems.empty());
  CHECK(reader.ReadDisks().value().size() == 2);
}

TEST_CASE("file systems: sizes with the node's paths, those that are not there left out") {
  const TempDir root;
  WriteNode(root);
  NodeStats stats;
  Reader(root).ReadFileSystems(stats);
  CHECK(stats.errors.empty());
  REQUIRE(stats.file_systems.size() == 2);
  CHECK(stats.file_systems[0].mount_point == "/");
  CHECK(stats.file_systems[1].device == "/dev/vdb");
  CHECK(stats.file_systems[1].mount_point == "/my data");
  CHECK(stats.file_systems[1].type == "xfs");
  CHECK(stats.file_systems[1].size_bytes > 0);
  CHECK(stats.file_systems[1].free_bytes <= stats.file_systems[1].size_bytes);
  CHECK(stats.file_systems[1].available_bytes <= stats.file_systems[1].free_bytes);
  CHECK(stats.file_systems[1].files_free <= stats.file_systems[1].files);
}

TEST_CASE("nothing there: nothing said, and no error") {
  const TempDir root;
  NodeStats stats = Reader(root).Read();
  Reader(root).ReadFileSystems(stats);
  CHECK(stats.errors.empty());
  CHECK(stats.cpus.empty());
  CHECK(!stats.kernel.boot_time_seconds);
  CHECK(!stats.memory.total);
  CHECK(!stats.load);
  CHECK(!stats.uname);
  CHECK(stats.interfaces.empty());
  CHECK(!stats.cpu_pressure.some_total_usec);
  CHECK(stats.file_systems.empty());
}

TEST_CASE("each file that cannot be used is one error that names it; the others count") {
  const TempDir root;
  WriteNode(root);
  root.Write("proc/meminfo", "MemTotal: lots\n");
  root.Write("proc/pressure/io", "some total=-1\n");
  root.Write("proc/1/mounts", "garbage\n");
  NodeStats stats = Reader(root).Read();
  REQUIRE(stats.errors.size() == 2);
  CHECK(stats.errors[0].code == ErrorCode::kParse);
  CHECK(stats.errors[0].message == root.path() + "/proc/meminfo: MemTotal: not a whole number: 'lots'");
  CHECK(stats.errors[1].message == root.path() + "/proc/pressure/io: some total: not a whole number: '-1'");
  CHECK(stats.cpus.size() == 1);
  CHECK(stats.memory_pressure.some_total_usec == 1);
  Reader(root).ReadFileSystems(stats);
  CHECK(stats.errors.size() == 3);
}

TEST_CASE("this machine") {
  NodeReader reader({.procfs = "/proc", .cgroup = "", .rootfs = "/", .podlogs = ""});
  NodeStats stats = reader.Read();
  reader.ReadFileSystems(stats);
  for (const auto& error : stats.errors) MESSAGE(error.message);
  CHECK(!stats.cpus.empty());
  CHECK(stats.memory.total.value_or(0) > 0);
  CHECK(stats.load.has_value());
}
