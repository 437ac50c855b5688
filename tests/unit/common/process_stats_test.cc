// SPDX-License-Identifier: Apache-2.0
#include "common/process_stats.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "common/exposition/process_metrics.h"
#include "common/file.h"
#include "tests/support/files.h"

using cloudmon::ParsePidStat;
using cloudmon::ProcessStats;
using cloudmon::ReadProcessStats;

namespace {

constexpr const char* kStat =
    "7 (e) R 1 (x y) S 1 7 7 0 -1 4194560 2184 71120 76 540 150 50 5 6 20 0 1 0 4200 22806528 3104 "
    "18446744073709551615 1 1 0 0 0 0 671173123 4096 1260 0 0 0 17 0 0 0 0 0 0\n";

constexpr const char* kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            1024                 524288               files     \n";

}  // namespace

TEST_CASE("ParsePidStat") {
  const auto stat = ParsePidStat(kStat);
  REQUIRE(stat.ok());
  CHECK(stat.value().cpu_ticks == 200);
  CHECK(stat.value().start_ticks == 4200);
  CHECK(stat.value().virtual_memory_bytes == 22806528);
  CHECK(stat.value().resident_pages == 3104);
  for (std::string_view in : {"", "7 cat S 1", "7 (cat) S 1 7 7 0 -1 4194560 2184 71120 76 540 150",
                              "7 (cat) S 1 7 7 0 -1 4194560 2184 71120 76 540 x 50 5 6 20 0 1 0 4200 22806528 3104"}) {
    CAPTURE(in);
    CHECK(!ParsePidStat(in).ok());
  }
}

TEST_CASE("ReadProcessStats of a recorded process") {
  const cloudmon::test::TempDir proc;
  proc.Write("self/stat", kStat);
  proc.Write("self/limits", kLimits);
  for (const char* fd : {"0", "1", "2", "900"}) proc.Write(std::string("self/fd/") + fd, "");
  proc.Write("stat", "cpu  1 2 3\nbtime 1795360000\nctxt 5\n");
  const ProcessStats stats = ReadProcessStats(proc.path());
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  CHECK(stats.cpu_seconds == 200 / ticks_per_second);
  CHECK(stats.start_time_seconds == 1795360000 + 4200 / ticks_per_second);
  CHECK(stats.virtual_memory_bytes == 22806528);
  CHECK(stats.resident_memory_bytes == 3104 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  CHECK(stats.open_fds == 4);
  CHECK(stats.max_fds == 1024);
}

TEST_CASE("what is not there is absent") {
  const cloudmon::test::TempDir proc;
  const auto nothing = [&] {
    const ProcessStats stats = ReadProcessStats(proc.path());
    return !stats.cpu_seconds && !stats.start_time_seconds && !stats.resident_memory_bytes && !stats.open_fds &&
           !stats.max_fds;
  };
  CHECK(nothing());
  proc.Write("self/stat", "garbage\n");
  proc.Write("self/limits", "Max open files            unlimited            unlimited            files     \n");
  proc.Write("stat", "btime soon\n");
  CHECK(nothing());
  proc.Write("self/stat", kStat);
  CHECK(ReadProcessStats(proc.path()).cpu_seconds.has_value());
  CHECK(!ReadProcessStats(proc.path()).start_time_seconds.has_value());
}

TEST_CASE("this process: an open file is counted") {
  const std::string procfs = "/proc";
  const ProcessStats before = ReadProcessStats(procfs);
  const cloudmon::UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const ProcessStats after = ReadProcessStats(procfs);
  REQUIRE(before.open_fds);
  CHECK(*after.open_fds == *before.open_fds + 1);
  CHECK(*after.resident_memory_bytes > 0);
  CHECK(*after.start_time_seconds == *before.start_time_seconds);
}

TEST_CASE("WriteProcessMetrics writes what is known") {
  std::string page;
  cloudmon::exposition::Writer writer(cloudmon::exposition::Format::kText, page);
  ProcessStats stats;
  stats.cpu_seconds = 1.5;
  stats.max_fds = 1024;
  WriteProcessMetrics(writer, stats);
  CHECK(page ==
        "# HELP process_cpu_seconds_total CPU time used by this program, user plus system.\n"
        "# TYPE process_cpu_seconds_total counter\n"
        "process_cpu_seconds_total 1.5\n"
        "# HELP process_max_fds Largest number of file descriptors that this program may open.\n"
        "# TYPE process_max_fds gauge\n"
        "process_max_fds 1024\n");
  CHECK(cloudmon::exposition::ProcessMetrics().size() == 6);
}
