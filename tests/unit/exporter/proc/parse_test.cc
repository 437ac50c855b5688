// SPDX-License-Identifier: Apache-2.0
#include "exporter/proc/parse.h"

#include <doctest/doctest.h>

#include <string>

using cloudmon::ErrorCode;
using namespace cloudmon::proc;

namespace {

template <class T>
void CheckBad(const cloudmon::Result<T>& result, std::string_view message) {
  REQUIRE(!result.ok());
  CHECK(result.error().code == ErrorCode::kParse);
  CHECK(result.error().message == message);
}

constexpr std::string_view kNetDevHeadings =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
    "compressed\n";

}  // namespace

TEST_CASE("ParseStat") {
  const auto stat = ParseStat(
      "cpu  20536 0 6060 384247 628 0 99 12 0 0\n"
      "cpu0 100 200 300 400 500 600 700 800 900 1000 1100\n"
      "cpu17 1 0 0 0 0 0 0 0\n"  // a kernel without guest times
      "intr 519997 0 0\nctxt 1254822\nbtime 1795360000\nprocesses 11206\nprocs_running 2\nprocs_blocked 1\n"
      "cpufreq x\nsoftirq 1 2\n",
      100);
  REQUIRE(stat.ok());
  CHECK(stat.value().kernel.boot_time_seconds == 1795360000);
  CHECK(stat.value().kernel.context_switches == 1254822);
  CHECK(stat.value().kernel.interrupts == 519997);
  CHECK(stat.value().kernel.forks == 11206);
  CHECK(stat.value().kernel.processes_running == 2);
  CHECK(stat.value().kernel.processes_blocked == 1);
  REQUIRE(stat.value().cpus.size() == 2);
  const CpuTimes& cpu = stat.value().cpus[0];
  CHECK(cpu.cpu == "0");
  CHECK(cpu.user_seconds == 1);
  CHECK(cpu.nice_seconds == 2);
  CHECK(cpu.system_seconds == 3);
  CHECK(cpu.idle_seconds == 4);
  CHECK(cpu.iowait_seconds == 5);
  CHECK(cpu.irq_seconds == 6);
  CHECK(cpu.softirq_seconds == 7);
  CHECK(cpu.steal_seconds == 8);
  CHECK(BusySeconds(cpu) == 19);
  CHECK(stat.value().cpus[1].cpu == "17");
  CHECK(stat.value().cpus[1].user_seconds == 0.01);
  CHECK(ParseStat("cpu0 100 0 0 0 0 0 0 0\n", 250).value().cpus[0].user_seconds == 0.4);

  CHECK(ParseStat("", 100).value().cpus.empty());
  CHECK(!ParseStat("", 100).value().kernel.boot_time_seconds);
  CHECK(!ParseStat("btime 1\n", 100).value().kernel.context_switches);
  CheckBad(ParseStat("cpu0 1 2 3\n", 100), "cpu0: not a whole number: ''");
  CheckBad(ParseStat("cpu3 1 2 3 4 5 6 7 -8\n", 100), "cpu3: not a whole number: '-8'");
  CheckBad(ParseStat("btime\n", 100), "btime: not a whole number: ''");
  CheckBad(ParseStat("intr\n", 100), "intr: not a whole number: ''");
  CheckBad(ParseStat("ctxt -1\n", 100), "ctxt: not a whole number: '-1'");
  CheckBad(ParseStat("procs_blocked x\n", 100), "procs_blocked: not a whole number: 'x'");
}

TEST_CASE("ParseMeminfo") {
  const auto memory = ParseMeminfo(
      "SwapFree:        1 kB\nMemTotal:       16303428 kB\nMemFree:        9211204 kB\nMemAvailable:   14000000 kB\n"
      "Buffers:          100 kB\nCached:          200 kB\nSwapCached:        7 kB\nSwapTotal:       0 kB\n"
      "Active: 11 kB\nInactive: 12 kB\nActive(anon): 99 kB\nDirty: 13 kB\nWriteback: 14 kB\nWritebackTmp: 99 kB\n"
      "AnonPages: 15 kB\nMapped: 16 kB\nSlab: 17 kB\nSReclaimable: 18 kB\nPageTables: 19 kB\nSecPageTables: 99 kB\n"
      "Committed_AS: 20 kB\nHugePages_Total:       0\nNewKey: many\n");
  REQUIRE(memory.ok());
  CHECK(memory.value().total == 16303428ULL * 1024);
  CHECK(memory.value().free == 9211204ULL * 1024);
  CHECK(memory.value().available == 14000000ULL * 1024);
  CHECK(memory.value().buffers == 102400);
  CHECK(memory.value().cached == 204800);
  CHECK(memory.value().swap_total == 0);
  CHECK(memory.value().swap_free == 1024);
  CHECK(memory.value().active == 11 * 1024);
  CHECK(memory.value().inactive == 12 * 1024);
  CHECK(memory.value().dirty == 13 * 1024);
  CHECK(memory.value().writeback == 14 * 1024);
  CHECK(memory.value().anonymous == 15 * 1024);
  CHECK(memory.value().mapped == 16 * 1024);
  CHECK(memory.value().slab == 17 * 1024);
  CHECK(memory.value().slab_reclaimable == 18 * 1024);
  CHECK(memory.value().page_tables == 19 * 1024);
  CHECK(memory.value().committed == 20 * 1024);
  CHECK(!ParseMeminfo("MemTotal: 1 kB\n").value().available);  // an old kernel

  CheckBad(ParseMeminfo("MemTotal: x kB\n"), "MemTotal: not a whole number: 'x'");
  CheckBad(ParseMeminfo("MemFree: 5 MB\n"), "MemFree: not in kB");
  CheckBad(ParseMeminfo("Committed_AS: -4 kB\n"), "Committed_AS: not a whole number: '-4'");
  CheckBad(ParseMeminfo("Cached:\n"), "Cached: not a whole number: ''");
}

TEST_CASE("ParseLoadavg") {
  const auto load = ParseLoadavg("0.20 1.18 12.5 1/80 11206\n");
  REQUIRE(load.ok());
  CHECK(load.value().load1 == 0.20);
  CHECK(load.value().load5 == 1.18);
  CHECK(load.value().load15 == 12.5);
  CHECK(ParseLoadavg("1 2 3").ok());
  CheckBad(ParseLoadavg(""), "not a number: ''");
  CheckBad(ParseLoadavg("1 2"), "not a number: ''");
  CheckBad(ParseLoadavg("1 b 3"), "not a number: 'b'");
}

TEST_CASE("ParseDiskstats: 14, 18 and 20 fields") {
  const auto disks = ParseDiskstats(
      "   8       0 sda 10 1 20 3 30 4 40 5 0 60 70\n"
      " 253       1 dm-1 11 0 21 0 31 0 41 0 0 61 0 0 0 0 0\n"
      " 254       0 vda 129667 29693 6487178 36765 28427 29696 3611440 8925 0 10264 46406 6772 55 1272264 557 4253 "
      "158\n"
      "\n 104       0 cciss/c0d0 0 0 0 0 0 0 0 0 0 0 0");
  REQUIRE(disks.ok());
  REQUIRE(disks.value().size() == 4);
  const Disk& sda = disks.value()[0];
  CHECK(sda.major == 8);
  CHECK(sda.minor == 0);
  CHECK(sda.name == "sda");
  CHECK(sda.reads == 10);
  CHECK(sda.read_bytes == 20 * 512);
  CHECK(sda.writes == 30);
  CHECK(sda.written_bytes == 40 * 512);
  CHECK(sda.reads_merged == 1);
  CHECK(sda.read_time_ms == 3);
  CHECK(sda.writes_merged == 4);
  CHECK(sda.write_time_ms == 5);
  CHECK(sda.io_time_ms == 60);
  CHECK(sda.weighted_io_time_ms == 70);
  CHECK(disks.value()[1].minor == 1);
  CHECK(disks.value()[2].read_bytes == 6487178ULL * 512);
  CHECK(disks.value()[2].io_time_ms == 10264);
  CHECK(disks.value()[3].name == "cciss/c0d0");

  CHECK(ParseDiskstats("").value().empty());
  CheckBad(ParseDiskstats("8 0 sda 1 2 3\n"), "line 1: sda: not a whole number: ''");
  CheckBad(ParseDiskstats("8 0 sda 10 1 20 3 30 4 40 5 0 60 70\n8 x sdb\n"), "line 2: not a whole number: 'x'");
  CheckBad(ParseDiskstats("8 0"), "line 1: : not a whole number: ''");
}

TEST_CASE("ParseNetDev") {
  const auto devices =
      ParseNetDev(std::string(kNetDevHeadings) +
                  "    lo:       0       0    0    0    0     0          0         0        0       0    "
                  "0    0    0     0       0          0\n"
                  "  eth0:1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n"
                  "eth0:1: 18446744073709551615 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n");
  REQUIRE(devices.ok());
  REQUIRE(devices.value().size() == 3);
  CHECK(devices.value()[0].name == "lo");
  const NetDevice& eth0 = devices.value()[1];
  CHECK(eth0.name == "eth0");
  CHECK(eth0.receive_bytes == 1);
  CHECK(eth0.receive_packets == 2);
  CHECK(eth0.receive_errors == 3);
  CHECK(eth0.receive_dropped == 4);
  CHECK(eth0.transmit_bytes == 5);
  CHECK(eth0.transmit_packets == 6);
  CHECK(eth0.transmit_errors == 7);
  CHECK(eth0.transmit_dropped == 8);
  CHECK(devices.value()[2].name == "eth0:1");
  CHECK(devices.value()[2].receive_bytes == UINT64_MAX);
  CHECK(devices.value()[2].transmit_bytes == 9);

  CHECK(ParseNetDev("").value().empty());
  CHECK(ParseNetDev(kNetDevHeadings).value().empty());
  CHECK(ParseNetDev("e\xFF: 1 2 3 4 0 0 0 0 5 6 7 8\n").value()[0].name == "e\xEF\xBF\xBD");
  CheckBad(ParseNetDev("eth0: 1 2 3\n"), "eth0: not a whole number: ''");
  CheckBad(ParseNetDev("eth0: 1 2 3 4 0 0 0 0 5 6 7 x\n"), "eth0: not a whole number: 'x'");
}

TEST_CASE("what comes twice counts once") {
  const auto devices = ParseNetDev("eth0: 1 2 3 4 0 0 0 0 5 6 7 8\neth0: 9 2 3 4 0 0 0 0 5 6 7 8\n");
  REQUIRE(devices.value().size() == 1);
  CHECK(devices.value()[0].receive_bytes == 1);
  const std::string disk = " 254 0 vda 1 2 3 4 5 6 7 8 9 10 11\n";
  CHECK(ParseDiskstats(disk + disk).value().size() == 1);
}

TEST_CASE("HasCgroup") {
  CHECK(HasCgroup("5:pids:/kubepods/podu/c1\n4:memory:/kubepods/podu/c1\n", "c1"));
  CHECK(HasCgroup("0::/../../podu/c1/init.scope\n", "podu"));
  CHECK(!HasCgroup("0::/kubepods/podu/c10\n", "c1"));
  CHECK(!HasCgroup("0::/\n", "c1"));
  CHECK(!HasCgroup("", "c1"));
}
