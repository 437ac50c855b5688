// SPDX-License-Identifier: Apache-2.0
// What the node's /proc says. Counters are raw totals in the finer unit; nullopt and empty lists: not there. Pure data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/psi.h"
#include "common/result.h"

namespace cloudmon::proc {

using Value = std::optional<std::uint64_t>;

// /proc/stat, one line "cpu<n>": ticks of 1/USER_HZ seconds turned to seconds. Guest time is within user and nice.
struct CpuTimes {
  std::string cpu;  // "0"
  double user_seconds = 0, nice_seconds = 0, system_seconds = 0, idle_seconds = 0, iowait_seconds = 0, irq_seconds = 0,
         softirq_seconds = 0, steal_seconds = 0;
};

// The rest of /proc/stat. Counts are since boot but for the processes of now.
struct KernelCounts {
  Value boot_time_seconds;  // Unix time
  Value context_switches, interrupts, forks, processes_running, processes_blocked;
};

struct Meminfo {  // bytes
  Value total, available, free, buffers, cached, swap_total, swap_free;
  Value active, inactive, slab, slab_reclaimable, page_tables, mapped, dirty, writeback, committed, anonymous;
};

struct LoadAverage {
  double load1 = 0, load5 = 0, load15 = 0;
};

// A line of /proc/diskstats; sectors of 512 bytes turned to bytes.
struct Disk {
  std::uint32_t major = 0, minor = 0;
  std::string name;  // "vda", "vda1"
  std::uint64_t reads = 0, reads_merged = 0, read_bytes = 0, read_time_ms = 0;
  std::uint64_t writes = 0, writes_merged = 0, written_bytes = 0, write_time_ms = 0;
  std::uint64_t io_time_ms = 0, weighted_io_time_ms = 0;
};

// A line of /proc/PID/net/dev.
struct NetDevice {
  std::string name;
  std::uint64_t receive_bytes = 0, receive_packets = 0, receive_errors = 0, receive_dropped = 0;
  std::uint64_t transmit_bytes = 0, transmit_packets = 0, transmit_errors = 0, transmit_dropped = 0;
};

// /proc/sys/kernel, as uname(1) shows it; empty: not there. The host name is the reader's, so it is left out.
struct Uname {
  std::string sysname, release, version, machine, domain;
};

struct FileSystem {
  std::string device, mount_point, type;
  std::uint64_t size_bytes = 0, free_bytes = 0, available_bytes = 0;  // available to users without privileges
  std::uint64_t files = 0, files_free = 0;                            // inodes
};

struct NodeStats {
  std::vector<CpuTimes> cpus;
  KernelCounts kernel;
  std::optional<Uname> uname;
  std::optional<double> time_seconds;  // Unix time of the pass; set by the collector
  Meminfo memory;
  std::optional<LoadAverage> load;
  std::vector<Disk> disks;            // all of diskstats, partitions too
  std::vector<NetDevice> interfaces;  // all of the node's
  psi::Pressure cpu_pressure, memory_pressure, io_pressure;
  std::vector<FileSystem> file_systems;  // read by their own call
  std::vector<Error> errors;             // one for each file that could not be read or parsed; a missing one is none
};

}  // namespace cloudmon::proc
