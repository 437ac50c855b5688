// SPDX-License-Identifier: Apache-2.0
// Reading this machine's /proc.
//   node/floor     open, read and close of the files that NodeReader::Read needs
//   node/read      NodeReader::Read
//   net_dev/floor, net_dev/read   the same for one process' interfaces, once for each pod in a scrape
#include <benchmark/benchmark.h>
#include <fcntl.h>

#include <string>

#include "common/file.h"
#include "exporter/proc/reader.h"

namespace {

const std::string kProcfs = "/proc";

void ReadFiles(benchmark::State& state, std::initializer_list<const char*> names) {
  std::string buffer;
  for (auto _ : state) {
    for (const char* name : names) {
      const std::string path = kProcfs + "/" + name;
      (void)cloudmon::ReadFileAt(AT_FDCWD, path.c_str(), buffer);
      benchmark::DoNotOptimize(buffer.data());
    }
  }
}

void NodeFloor(benchmark::State& state) {
  ReadFiles(state,
            {"stat", "meminfo", "loadavg", "diskstats", "1/net/dev", "pressure/cpu", "pressure/memory", "pressure/io"});
}
BENCHMARK(NodeFloor)->Name("node/floor");

void NodeRead(benchmark::State& state) {
  cloudmon::proc::NodeReader reader({.procfs = kProcfs, .cgroup = "", .rootfs = "/", .podlogs = ""});
  for (auto _ : state) {
    auto stats = reader.Read();
    benchmark::DoNotOptimize(stats);
  }
}
BENCHMARK(NodeRead)->Name("node/read");

void NetDevFloor(benchmark::State& state) {
  ReadFiles(state, {"1/net/dev"});
}
BENCHMARK(NetDevFloor)->Name("net_dev/floor");

void NetDevRead(benchmark::State& state) {
  cloudmon::proc::ProcessReader reader(kProcfs);
  for (auto _ : state) {
    auto devices = reader.ReadNetDev(1);
    benchmark::DoNotOptimize(devices);
  }
}
BENCHMARK(NetDevRead)->Name("net_dev/read");

}  // namespace
