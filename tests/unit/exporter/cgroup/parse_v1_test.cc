// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/parse_v1.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace cloudmon::cgroup;
namespace v1 = cloudmon::cgroup::v1;

TEST_CASE("v1 CPU files") {
  CpuUsage cpu;
  CHECK(v1::ParseCpuacctStat("user 4125\nsystem 2140\n", 100, cpu).empty());
  CHECK(cpu.user_ns == 41250000000U);
  CHECK(cpu.system_ns == 21400000000U);
  CHECK(v1::ParseCpuacctStat("user 1\nsystem 1024\n", 1024, cpu).empty());
  CHECK(cpu.user_ns == 976562U);
  CHECK(v1::ParseCpuStat("nr_periods 7\nnr_throttled 6\nthrottled_time 123456789\nnr_bursts 0\n", cpu).empty());
  CHECK(cpu.periods == 7U);
  CHECK(cpu.throttled_periods == 6U);
  CHECK(cpu.throttled_ns == 123456789U);
  CHECK(v1::ParseCfsQuota("-1\n", cpu).empty());
  CHECK(cpu.quota_usec == std::nullopt);
  CHECK(v1::ParseCfsQuota("50000\n", cpu).empty());
  CHECK(cpu.quota_usec == 50000U);
  for (const char* bad : {"-2\n", "max\n", "x"}) CHECK(v1::ParseCfsQuota(bad, cpu).size() == 1);
}

TEST_CASE("v1 memory files: the totals, which count the cgroups below") {
  MemoryUsage memory;
  Value inactive_file;
  CHECK(v1::ParseMemoryStat(
            "cache 1\nrss 2\nmapped_file 3\ninactive_file 4\npgfault 5\ntotal_cache 10\ntotal_rss 20\n"
            "total_rss_huge 99\ntotal_mapped_file 30\ntotal_swap 40\ntotal_pgfault 50\ntotal_pgmajfault 60\n"
            "total_inactive_file 70\n",
            memory, inactive_file)
            .empty());
  CHECK(memory.cache_bytes == 10U);
  CHECK(memory.rss_bytes == 20U);
  CHECK(memory.mapped_file_bytes == 30U);
  CHECK(memory.swap_bytes == 40U);
  CHECK(memory.page_faults == 50U);
  CHECK(memory.major_page_faults == 60U);
  CHECK(inactive_file == 70U);
  CHECK(v1::ParseOomControl("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", memory).empty());
  CHECK(memory.oom_kills == 3U);
}

TEST_CASE("v1 memory limit") {
  auto limit = [](const char* text) {
    MemoryUsage memory;
    CHECK(v1::ParseMemoryLimit(text, memory).empty());
    return memory.limit_bytes;
  };
  const std::optional<Limit> unlimited{Limit{}};
  CHECK(limit("67108864\n").value() == 67108864U);
  CHECK(limit("4611686018427387904\n").value() == 4611686018427387904U);
  CHECK((limit("4611686018427387905\n") == unlimited));
  CHECK((limit("9223372036854771712\n") == unlimited));  // 4 KiB pages
  CHECK((limit("9223372036854710272\n") == unlimited));  // 64 KiB pages
  CHECK(!limit("").has_value());
}

TEST_CASE("v1 blkio") {
  std::vector<DeviceIo> io;
  CHECK(v1::ParseBlkio("Total 0\n", v1::BlkioKind::kBytes, io).empty());
  CHECK(v1::ParseBlkio("", v1::BlkioKind::kBytes, io).empty());
  CHECK(io.empty());
  CHECK(v1::ParseBlkio("8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 1\n8:0 Async 2\n8:0 Discard 0\n8:0 Total 12288\n"
                       "259:3 Write 5\n259:3 Total 5\nTotal 12293\n",
                       v1::BlkioKind::kBytes, io)
            .empty());
  CHECK(v1::ParseBlkio("8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n", v1::BlkioKind::kOperations, io).empty());
  REQUIRE(io.size() == 2);
  CHECK(io[0].read_bytes == 4096U);
  CHECK(io[0].write_bytes == 8192U);
  CHECK(io[0].reads == 1U);
  CHECK(io[0].writes == 2U);
  CHECK(io[1].major == 259);
  CHECK(io[1].minor == 3);
  CHECK(io[1].read_bytes == std::nullopt);
  CHECK(io[1].write_bytes == 5U);
  for (const char* bad : {"8:0 Read x", "8:0 Read", "8:0 Write -1", "80 Read 1", "8:0 Read 18446744073709551616"}) {
    CAPTURE(bad);
    std::vector<DeviceIo> other;
    CHECK(v1::ParseBlkio(std::string(bad) + "\n8:1 Write 7\n", v1::BlkioKind::kBytes, other).size() == 1);
    REQUIRE(other.size() == 1);
    CHECK(other[0].write_bytes == 7U);
  }
}

TEST_CASE("v1 files cut off anywhere") {
  const std::string text =
      "nr_periods 7\ntotal_rss 20\noom_kill 3\nuser 18446744073709551615\n8:0 Read 4096\nTotal 1\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    for (const std::string& part : {text.substr(0, cut), text.substr(cut)}) {
      CpuUsage cpu;
      MemoryUsage memory;
      Value inactive_file;
      std::vector<DeviceIo> io;
      CHECK(v1::ParseCpuStat(part, cpu).size() <= 1);
      CHECK(v1::ParseCpuacctStat(part, 100, cpu).size() <= 1);
      CHECK(v1::ParseMemoryStat(part, memory, inactive_file).size() <= 1);
      CHECK(v1::ParseOomControl(part, memory).size() <= 1);
      CHECK(v1::ParseMemoryLimit(part, memory).size() <= 1);
      CHECK(v1::ParseBlkio(part, v1::BlkioKind::kBytes, io).size() <= 1);
    }
  }
}
