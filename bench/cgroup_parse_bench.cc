// SPDX-License-Identifier: Apache-2.0
// Parsers of cgroup control files, texts as kernels write them; the longest of v1 and v2, and those with devices.
//   .../floor   memchr for the newlines of the same text: what any parser must at least do
#include <benchmark/benchmark.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "common/psi.h"
#include "exporter/cgroup/parse_v1.h"
#include "exporter/cgroup/parse_v2.h"

namespace {

using namespace cloudmon;

constexpr std::string_view kMemoryStatV2 =
    "anon 183619584\nfile 90648576\nkernel 3584000\nkernel_stack 327680\npagetables 1003520\nsec_pagetables 0\n"
    "percpu 11840\nsock 8192\nvmalloc 65536\nshmem 0\nzswap 0\nzswapped 0\nfile_mapped 31227904\n"
    "file_dirty 12288\nfile_writeback 0\nswapcached 0\nanon_thp 62914560\nfile_thp 0\nshmem_thp 0\n"
    "inactive_anon 183562240\nactive_anon 45056\ninactive_file 61440000\nactive_file 29208576\nunevictable 0\n"
    "slab_reclaimable 1469240\nslab_unreclaimable 687448\nslab 2156688\nworkingset_refault_anon 0\n"
    "workingset_refault_file 1932\nworkingset_activate_anon 0\nworkingset_activate_file 84\n"
    "workingset_restore_anon 0\nworkingset_restore_file 12\nworkingset_nodereclaim 0\npgscan 21090\n"
    "pgsteal 20871\npgscan_kswapd 0\npgscan_direct 21090\npgsteal_kswapd 0\npgsteal_direct 20871\n"
    "pgfault 1288310\npgmajfault 217\npgrefill 3300\npgactivate 8201\npgdeactivate 3120\npglazyfree 0\n"
    "pglazyfreed 0\nzswpin 0\nzswpout 0\nthp_fault_alloc 41\nthp_collapse_alloc 3\n";
constexpr std::string_view kMemoryStatV1 =
    "cache 9564160\nrss 10244096\nrss_huge 0\nshmem 9084928\nmapped_file 7565312\ndirty 12288\nwriteback 0\n"
    "workingset_refault_anon 0\nworkingset_refault_file 9056\nswap 0\nswapcached 0\npgpgin 181362\n"
    "pgpgout 176526\npgfault 259710\npgmajfault 0\ninactive_anon 0\nactive_anon 1531904\ninactive_file 24576\n"
    "active_file 454656\nunevictable 17797120\nhierarchical_memory_limit 9223372036854771712\n"
    "hierarchical_memsw_limit 9223372036854771712\ntotal_cache 224394854\ntotal_rss 48476160\ntotal_rss_huge 0\n"
    "total_shmem 22208512\ntotal_mapped_file 20791296\ntotal_dirty 9498624\ntotal_writeback 0\n"
    "total_workingset_refault_anon 0\ntotal_workingset_refault_file 78613\ntotal_swap 0\ntotal_swapcached 0\n"
    "total_pgpgin 11991015\ntotal_pgpgout 11988940\ntotal_pgfault 12835535\ntotal_pgmajfault 465\n"
    "total_inactive_anon 37998592\ntotal_active_anon 14737408\ntotal_inactive_file 15026012\n"
    "total_active_file 7191388\ntotal_unevictable 17797120\n";
constexpr std::string_view kCpuStatV2 =
    "usage_usec 77757003\nuser_usec 51838002\nsystem_usec 25919001\nnr_periods 98120\nnr_throttled 412\n"
    "throttled_usec 9120331\nnr_bursts 0\nburst_usec 0\n";
constexpr std::string_view kIoStatV2 =
    "254:16 rbytes=7014400 wbytes=90112 rios=109 wios=22 dbytes=0 dios=0\n"
    "254:0 rbytes=1179648 wbytes=83886080 rios=41 wios=1280 dbytes=0 dios=0\n";
constexpr std::string_view kBlkioV1 =
    "254:16 Read 7014400\n254:16 Write 90112\n254:16 Sync 7104512\n254:16 Async 0\n254:16 Discard 0\n254:16 Total "
    "7104512\n"
    "254:0 Read 1179648\n254:0 Write 83886080\n254:0 Sync 85065728\n254:0 Async 0\n254:0 Discard 0\n254:0 Total "
    "85065728\n"
    "Total 92170240\n";
constexpr std::string_view kPressure =
    "some avg10=0.06 avg60=0.21 avg300=0.99 total=8537362\nfull avg10=0.00 avg60=0.00 avg300=0.04 total=1034\n";

void Floor(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    std::size_t lines = 0;
    const char* at = text.data();
    const char* const end = at + text.size();
    while ((at = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr) {
      ++at;
      ++lines;
    }
    benchmark::DoNotOptimize(lines);
  }
}

// `parse` takes the text and what it fills, which is kept from round to round as the reader keeps it.
template <class Filled, class Parse>
void Run(benchmark::State& state, std::string_view text, const Parse& parse) {
  Filled filled;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text.data());
    const auto errors = parse(text, filled);
    benchmark::DoNotOptimize(filled);
    if (!errors.empty()) state.SkipWithError("the text is not understood");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

struct Memory {
  cgroup::MemoryUsage usage;
  cgroup::Value inactive_file_bytes;
};

void MemoryStatV2(benchmark::State& state) {
  Run<Memory>(state, kMemoryStatV2, [](std::string_view text, Memory& memory) {
    return cgroup::v2::ParseMemoryStat(text, memory.usage, memory.inactive_file_bytes);
  });
}
void MemoryStatV1(benchmark::State& state) {
  Run<Memory>(state, kMemoryStatV1, [](std::string_view text, Memory& memory) {
    return cgroup::v1::ParseMemoryStat(text, memory.usage, memory.inactive_file_bytes);
  });
}
void CpuStatV2(benchmark::State& state) {
  Run<cgroup::CpuUsage>(state, kCpuStatV2, cgroup::v2::ParseCpuStat);
}
void IoStatV2(benchmark::State& state) {
  Run<std::vector<cgroup::DeviceIo>>(state, kIoStatV2, [](std::string_view text, std::vector<cgroup::DeviceIo>& io) {
    io.clear();
    return cgroup::v2::ParseIoStat(text, io);
  });
}
void BlkioV1(benchmark::State& state) {
  Run<std::vector<cgroup::DeviceIo>>(state, kBlkioV1, [](std::string_view text, std::vector<cgroup::DeviceIo>& io) {
    io.clear();
    return cgroup::v1::ParseBlkio(text, cgroup::v1::BlkioKind::kBytes, io);
  });
}
void Pressure(benchmark::State& state) {
  for (auto _ : state) {
    auto pressure = psi::ParsePressure(kPressure);
    benchmark::DoNotOptimize(pressure);
  }
}

BENCHMARK_CAPTURE(Floor, memory_stat, kMemoryStatV2)->Name("v2/memory.stat/floor");
BENCHMARK(MemoryStatV2)->Name("v2/memory.stat");
BENCHMARK(CpuStatV2)->Name("v2/cpu.stat");
BENCHMARK_CAPTURE(Floor, io_stat, kIoStatV2)->Name("v2/io.stat/floor");
BENCHMARK(IoStatV2)->Name("v2/io.stat");
BENCHMARK(Pressure)->Name("v2/pressure");
BENCHMARK_CAPTURE(Floor, memory_stat_v1, kMemoryStatV1)->Name("v1/memory.stat/floor");
BENCHMARK(MemoryStatV1)->Name("v1/memory.stat");
BENCHMARK_CAPTURE(Floor, blkio, kBlkioV1)->Name("v1/blkio/floor");
BENCHMARK(BlkioV1)->Name("v1/blkio");

}  // namespace
