// SPDX-License-Identifier: Apache-2.0
#include "exporter/cgroup/parse_v2.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

using namespace cloudmon::cgroup;
namespace v2 = cloudmon::cgroup::v2;

TEST_CASE("v2 cpu.stat: nanoseconds, any order, unknown keys") {
  CpuUsage cpu;
  CHECK(v2::ParseCpuStat("user_usec 102690\nusage_usec 7775700\nnice_usec 0\nsystem_usec 7673010\nnr_periods 5\n"
                         "nr_throttled 2\nthrottled_usec 30\nnr_bursts 0\nburst_usec 0\n",
                         cpu)
            .empty());
  CHECK(cpu.usage_ns == 7775700000U);
  CHECK(cpu.user_ns == 102690000U);
  CHECK(cpu.system_ns == 7673010000U);
  CHECK(cpu.periods == 5U);
  CHECK(cpu.throttled_periods == 2U);
  CHECK(cpu.throttled_ns == 30000U);
}

TEST_CASE("a known key with a bad value is an error that names it; the others are kept") {
  for (const char* bad : {"user_usec x\n", "user_usec\n", "user_usec -1\n", "user_usec 1 2\n", "user_usec 1.5\n",
                          "user_usec 18446744073709551616\n", "user_usec 18446744073709552\n"}) {
    CAPTURE(bad);
    CpuUsage cpu;
    const Errors errors = v2::ParseCpuStat("usage_usec 1\n" + std::string(bad) + "system_usec 3\n", cpu);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].code == cloudmon::ErrorCode::kParse);
    CHECK(errors[0].message.starts_with("user_usec: "));
    CHECK(cpu.usage_ns == 1000U);
    CHECK(cpu.user_ns == std::nullopt);
    CHECK(cpu.system_ns == 3000U);
  }
}

TEST_CASE("v2 cpu.max") {
  auto good = [](const char* text, Value quota, Value period) {
    CAPTURE(text);
    CpuUsage cpu;
    CHECK(v2::ParseCpuMax(text, cpu).empty());
    CHECK(cpu.quota_usec == quota);
    CHECK(cpu.period_usec == period);
  };
  good("50000 100000\n", 50000, 100000);
  good("max 100000\n", std::nullopt, 100000);
  good("max\n", std::nullopt, std::nullopt);
  good("", std::nullopt, std::nullopt);
  for (const char* text : {"-1 100000\n", "x 1\n", "5 x\n", "MAX 1\n"}) {
    CpuUsage cpu;
    CHECK(v2::ParseCpuMax(text, cpu).size() == 1);
  }
}

TEST_CASE("v2 cpu.weight as shares: the inverse of what the kubelet writes") {
  auto good = [](const char* text, Value want) {
    CAPTURE(text);
    CpuUsage cpu;
    CHECK(v2::ParseCpuWeight(text, cpu).empty());
    CHECK(cpu.shares == want);
  };
  good("1\n", 2);
  good("10000\n", 262144);
  good("0\n", 2);  // an idle cgroup
  good("39\n", 998);
  good("100\n", 2597);
  good("", std::nullopt);
  for (const char* text : {"x", "-1", "10001", "18446744073709551615"}) {
    CpuUsage cpu;
    CHECK(v2::ParseCpuWeight(text, cpu).size() == 1);
    CHECK(cpu.shares == std::nullopt);
  }
  for (std::uint64_t shares = 2; shares <= 262144; shares += 7) {  // the weight is coarser than shares: 26.2 of them
    CpuUsage cpu;
    CHECK(v2::ParseCpuWeight(std::to_string(1 + (shares - 2) * 9999 / 262142), cpu).empty());
    REQUIRE(*cpu.shares <= shares);
    REQUIRE(*cpu.shares + 27 >= shares);
  }
}

TEST_CASE("v2 memory files") {
  MemoryUsage memory;
  Value inactive_file;
  CHECK(v2::ParseMemoryStat(
            "anon 61440\nfile 16465920\nkernel 1\nfile_mapped 16338944\nfile_dirty 0\ninactive_file 10608640\n"
            "active_file 5804032\npgfault 9101\npgmajfault 25\n",
            memory, inactive_file)
            .empty());
  CHECK(memory.rss_bytes == 61440U);
  CHECK(memory.cache_bytes == 16465920U);
  CHECK(memory.mapped_file_bytes == 16338944U);
  CHECK(memory.page_faults == 9101U);
  CHECK(memory.major_page_faults == 25U);
  CHECK(inactive_file == 10608640U);
  CHECK(v2::ParseMemoryEvents("low 0\nmax 2025\noom 1\noom_kill 3\noom_group_kill 0\n", memory).empty());
  CHECK(memory.oom_kills == 3U);
}

TEST_CASE("limits: absent, unlimited and zero are three things") {
  std::optional<Limit> limit;
  CHECK(ParseLimit("", limit).empty());
  CHECK(!limit.has_value());
  CHECK(ParseLimit("max\n", limit).empty());
  CHECK((limit.has_value() && !limit->has_value()));
  CHECK(ParseLimit("0\n", limit).empty());
  CHECK(limit.value() == 0U);
  CHECK(ParseLimit("18446744073709551615", limit).empty());
  CHECK(limit.value() == UINT64_MAX);
  for (const char* text : {"maximum", "-1", "1 2", "18446744073709551616"}) {
    limit.reset();
    CHECK(ParseLimit(text, limit).size() == 1);
    CHECK(!limit.has_value());
  }
}

TEST_CASE("working set") {
  CHECK(WorkingSet(10, 3) == 7U);
  CHECK(WorkingSet(3, 10) == 0U);
  CHECK(WorkingSet(std::nullopt, 1) == std::nullopt);
  CHECK(WorkingSet(1, std::nullopt) == std::nullopt);
}

TEST_CASE("v2 io.stat") {
  auto parse = [](std::string_view text) {
    std::vector<DeviceIo> io;
    CHECK(v2::ParseIoStat(text, io).empty());
    return io;
  };
  CHECK(parse("").empty());
  CHECK(parse("\n254:0 \n254:16\n").empty());  // device numbers only
  const auto one = parse("254:16 wios=241 rbytes=7014400 cost.usage=5 dbytes=0 rios=109 wbytes=27656192 newkey=x\n");
  REQUIRE(one.size() == 1);
  CHECK(one[0].major == 254);
  CHECK(one[0].minor == 16);
  CHECK(one[0].read_bytes == 7014400U);
  CHECK(one[0].write_bytes == 27656192U);
  CHECK(one[0].reads == 109U);
  CHECK(one[0].writes == 241U);
  // Newlines left out by the kernel; the same device twice; a key that is missing stays absent.
  const auto two = parse("7:0 7:1 254:0 rbytes=1 wbytes=2\n254:16 rbytes=5\n254:0 rbytes=10\n");
  REQUIRE(two.size() == 2);
  CHECK(two[0].minor == 0);
  CHECK(two[0].read_bytes == 11U);
  CHECK(two[0].write_bytes == 2U);
  CHECK(two[0].reads == std::nullopt);
  CHECK(two[1].read_bytes == 5U);
  CHECK(*parse("1:1 rbytes=18446744073709551615\n1:1 rbytes=1\n")[0].read_bytes == UINT64_MAX);
}

TEST_CASE("v2 io.stat: bad input") {
  for (const char* bad : {"1:1 rbytes=", "1:1 rbytes=x", "1:1 rbytes=-1", "1:1 rbytes=18446744073709551616", "rbytes=1",
                          "x rbytes=1", "1:x rbytes=1", "1:4294967296 rbytes=1", ": rbytes=1"}) {
    CAPTURE(bad);
    std::vector<DeviceIo> io;
    CHECK(v2::ParseIoStat("8:0 rbytes=7\n" + std::string(bad) + " wios\n8:0 wbytes=8\n", io).size() == 1);
    REQUIRE(io.size() == 1);
    CHECK(io[0].read_bytes == 7U);
    CHECK(io[0].write_bytes == 8U);
  }
}

TEST_CASE("cgroup.procs") {
  std::vector<std::uint32_t> pids;
  CHECK(ParsePids("290\n0\n7", pids).empty());
  CHECK(pids == std::vector<std::uint32_t>{290, 0, 7});
  CHECK(ParsePids("1\n4294967297\n2\n", pids).size() == 1);
  CHECK(ParsePids("x\n", pids).size() == 1);
}

TEST_CASE("v2 files cut off anywhere") {
  const std::string stat = "anon 61440\nfile 16465920\ninactive_file 10608640\npgfault 9101\n";
  const std::string io_stat = "254:0 254:16 rbytes=593440768 wbytes=0 rios=4530 wios=0 dbytes=0 dios=0\n";
  for (std::size_t cut = 0; cut <= stat.size(); ++cut) {
    MemoryUsage memory;
    Value inactive_file;
    std::optional<Limit> limit;
    CHECK(v2::ParseMemoryStat(stat.substr(0, cut), memory, inactive_file).size() <= 1);
    CHECK(v2::ParseMemoryStat(stat.substr(cut), memory, inactive_file).size() <= 1);
    CHECK(ParseLimit(stat.substr(0, cut), limit).size() <= 1);
  }
  for (std::size_t cut = 0; cut <= io_stat.size(); ++cut) {
    std::vector<DeviceIo> io;
    CpuUsage cpu;
    CHECK(v2::ParseIoStat(io_stat.substr(0, cut), io).size() <= 1);
    CHECK(v2::ParseIoStat(io_stat.substr(cut), io).size() <= 4);
    CHECK(v2::ParseCpuMax(io_stat.substr(cut), cpu).size() <= 2);
  }
}
