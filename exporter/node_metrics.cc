// SPDX-License-Identifier: Apache-2.0
#include "exporter/node_metrics.h"

#include <array>

namespace cloudmon {
namespace {

using exposition::MetricType;
using proc::NodeStats;
using psi::Pressure;
constexpr auto kCounter = MetricType::kCounter;
constexpr auto kGauge = MetricType::kGauge;

constexpr std::array kMemory = {
    MemoryMetric{
        {"node_memory_MemTotal_bytes", "Memory of the node.", kGauge}, "meminfo MemTotal", &proc::Meminfo::total},
    MemoryMetric{{"node_memory_MemAvailable_bytes", "Memory available to new programs without swapping.", kGauge},
                 "meminfo MemAvailable",
                 &proc::Meminfo::available},
    MemoryMetric{
        {"node_memory_MemFree_bytes", "Memory that nothing uses.", kGauge}, "meminfo MemFree", &proc::Meminfo::free},
    MemoryMetric{
        {"node_memory_Buffers_bytes", "Buffers of block devices.", kGauge}, "meminfo Buffers", &proc::Meminfo::buffers},
    MemoryMetric{{"node_memory_Cached_bytes", "Page cache.", kGauge}, "meminfo Cached", &proc::Meminfo::cached},
    MemoryMetric{
        {"node_memory_SwapTotal_bytes", "Swap space.", kGauge}, "meminfo SwapTotal", &proc::Meminfo::swap_total},
    MemoryMetric{{"node_memory_SwapFree_bytes", "Swap space that nothing uses.", kGauge},
                 "meminfo SwapFree",
                 &proc::Meminfo::swap_free},
    MemoryMetric{{"node_memory_Active_bytes", "Memory used lately.", kGauge}, "meminfo Active", &proc::Meminfo::active},
    MemoryMetric{{"node_memory_Inactive_bytes", "Memory not used lately, which is taken first.", kGauge},
                 "meminfo Inactive",
                 &proc::Meminfo::inactive},
    MemoryMetric{{"node_memory_Slab_bytes", "Memory of the kernel's own objects.", kGauge},
                 "meminfo Slab",
                 &proc::Meminfo::slab},
    MemoryMetric{
        {"node_memory_SReclaimable_bytes", "Memory of the kernel's own objects that it can give back.", kGauge},
        "meminfo SReclaimable",
        &proc::Meminfo::slab_reclaimable},
    MemoryMetric{{"node_memory_PageTables_bytes", "Memory of page tables.", kGauge},
                 "meminfo PageTables",
                 &proc::Meminfo::page_tables},
    MemoryMetric{
        {"node_memory_Mapped_bytes", "Files mapped into memory.", kGauge}, "meminfo Mapped", &proc::Meminfo::mapped},
    MemoryMetric{{"node_memory_Dirty_bytes", "Memory that waits to be written to disk.", kGauge},
                 "meminfo Dirty",
                 &proc::Meminfo::dirty},
    MemoryMetric{{"node_memory_Writeback_bytes", "Memory that is being written to disk.", kGauge},
                 "meminfo Writeback",
                 &proc::Meminfo::writeback},
    MemoryMetric{{"node_memory_Committed_AS_bytes", "Memory that programs were promised.", kGauge},
                 "meminfo Committed_AS",
                 &proc::Meminfo::committed},
    MemoryMetric{{"node_memory_AnonPages_bytes", "Memory of programs that no file backs.", kGauge},
                 "meminfo AnonPages",
                 &proc::Meminfo::anonymous},
};

constexpr std::array kKernel = {
    KernelMetric{{"node_boot_time_seconds", "Start of the node, Unix time.", kGauge},
                 "stat btime",
                 &proc::KernelCounts::boot_time_seconds},
    KernelMetric{{"node_context_switches_total", "Context switches.", kCounter},
                 "stat ctxt",
                 &proc::KernelCounts::context_switches},
    KernelMetric{{"node_intr_total", "Interrupts served.", kCounter},
                 "stat intr, first number",
                 &proc::KernelCounts::interrupts},
    KernelMetric{
        {"node_forks_total", "Processes and threads made.", kCounter}, "stat processes", &proc::KernelCounts::forks},
    KernelMetric{{"node_procs_running", "Processes that run or could.", kGauge},
                 "stat procs_running",
                 &proc::KernelCounts::processes_running},
    KernelMetric{{"node_procs_blocked", "Processes that wait for I/O.", kGauge},
                 "stat procs_blocked",
                 &proc::KernelCounts::processes_blocked},
};

constexpr std::array kDisk = {
    DiskMetric{{"node_disk_read_bytes_total", "Bytes read from the disk.", kCounter},
               "diskstats, column 6, sectors of 512 bytes",
               [](const proc::Disk& d) { return static_cast<double>(d.read_bytes); }},
    DiskMetric{{"node_disk_written_bytes_total", "Bytes written to the disk.", kCounter},
               "diskstats, column 10, sectors of 512 bytes",
               [](const proc::Disk& d) { return static_cast<double>(d.written_bytes); }},
    DiskMetric{{"node_disk_reads_completed_total", "Reads completed.", kCounter},
               "diskstats, column 4",
               [](const proc::Disk& d) { return static_cast<double>(d.reads); }},
    DiskMetric{{"node_disk_writes_completed_total", "Writes completed.", kCounter},
               "diskstats, column 8",
               [](const proc::Disk& d) { return static_cast<double>(d.writes); }},
    DiskMetric{{"node_disk_io_time_seconds_total", "Time in which the disk had work.", kCounter},
               "diskstats, column 13, milliseconds",
               [](const proc::Disk& d) { return static_cast<double>(d.io_time_ms) / 1e3; }},
    DiskMetric{{"node_disk_reads_merged_total", "Reads joined with another one.", kCounter},
               "diskstats, column 5",
               [](const proc::Disk& d) { return static_cast<double>(d.reads_merged); }},
    DiskMetric{{"node_disk_writes_merged_total", "Writes joined with another one.", kCounter},
               "diskstats, column 9",
               [](const proc::Disk& d) { return static_cast<double>(d.writes_merged); }},
    DiskMetric{{"node_disk_read_time_seconds_total", "Time of all reads, each counted.", kCounter},
               "diskstats, column 7, milliseconds",
               [](const proc::Disk& d) { return static_cast<double>(d.read_time_ms) / 1e3; }},
    DiskMetric{{"node_disk_write_time_seconds_total", "Time of all writes, each counted.", kCounter},
               "diskstats, column 11, milliseconds",
               [](const proc::Disk& d) { return static_cast<double>(d.write_time_ms) / 1e3; }},
    DiskMetric{{"node_disk_io_time_weighted_seconds_total",
                "Time in which the disk had work, times the requests it had.", kCounter},
               "diskstats, column 14, milliseconds",
               [](const proc::Disk& d) { return static_cast<double>(d.weighted_io_time_ms) / 1e3; }},
};

constexpr std::array kInterface = {
    InterfaceMetric{{"node_network_receive_bytes_total", "Bytes received.", kCounter},
                    {"container_network_receive_bytes_total", "Bytes that the pod received.", kCounter},
                    "net/dev Receive bytes",
                    &proc::NetDevice::receive_bytes},
    InterfaceMetric{{"node_network_receive_packets_total", "Packets received.", kCounter},
                    {"container_network_receive_packets_total", "Packets that the pod received.", kCounter},
                    "net/dev Receive packets",
                    &proc::NetDevice::receive_packets},
    InterfaceMetric{{"node_network_receive_errs_total", "Receive errors.", kCounter},
                    {"container_network_receive_errors_total", "Receive errors of the pod.", kCounter},
                    "net/dev Receive errs",
                    &proc::NetDevice::receive_errors},
    InterfaceMetric{
        {"node_network_receive_drop_total", "Packets dropped on receipt.", kCounter},
        {"container_network_receive_packets_dropped_total", "Packets to the pod that were dropped.", kCounter},
        "net/dev Receive drop",
        &proc::NetDevice::receive_dropped},
    InterfaceMetric{{"node_network_transmit_bytes_total", "Bytes sent.", kCounter},
                    {"container_network_transmit_bytes_total", "Bytes that the pod sent.", kCounter},
                    "net/dev Transmit bytes",
                    &proc::NetDevice::transmit_bytes},
    InterfaceMetric{{"node_network_transmit_packets_total", "Packets sent.", kCounter},
                    {"container_network_transmit_packets_total", "Packets that the pod sent.", kCounter},
                    "net/dev Transmit packets",
                    &proc::NetDevice::transmit_packets},
    InterfaceMetric{{"node_network_transmit_errs_total", "Send errors.", kCounter},
                    {"container_network_transmit_errors_total", "Send errors of the pod.", kCounter},
                    "net/dev Transmit errs",
                    &proc::NetDevice::transmit_errors},
    InterfaceMetric{
        {"node_network_transmit_drop_total", "Packets dropped on sending.", kCounter},
        {"container_network_transmit_packets_dropped_total", "Packets from the pod that were dropped.", kCounter},
        "net/dev Transmit drop",
        &proc::NetDevice::transmit_dropped},
};

constexpr std::array kPressure = {
    PressureMetric{{"node_pressure_cpu_waiting_seconds_total", "Time in which some tasks waited for CPU.", kCounter},
                   "pressure/cpu some",
                   &NodeStats::cpu_pressure,
                   &Pressure::some_total_usec},
    PressureMetric{{"node_pressure_cpu_stalled_seconds_total", "Time in which all tasks waited for CPU.", kCounter},
                   "pressure/cpu full",
                   &NodeStats::cpu_pressure,
                   &Pressure::full_total_usec},
    PressureMetric{
        {"node_pressure_memory_waiting_seconds_total", "Time in which some tasks waited for memory.", kCounter},
        "pressure/memory some",
        &NodeStats::memory_pressure,
        &Pressure::some_total_usec},
    PressureMetric{
        {"node_pressure_memory_stalled_seconds_total", "Time in which all tasks waited for memory.", kCounter},
        "pressure/memory full",
        &NodeStats::memory_pressure,
        &Pressure::full_total_usec},
    PressureMetric{{"node_pressure_io_waiting_seconds_total", "Time in which some tasks waited for I/O.", kCounter},
                   "pressure/io some",
                   &NodeStats::io_pressure,
                   &Pressure::some_total_usec},
    PressureMetric{{"node_pressure_io_stalled_seconds_total", "Time in which all tasks waited for I/O.", kCounter},
                   "pressure/io full",
                   &NodeStats::io_pressure,
                   &Pressure::full_total_usec},
};

constexpr std::array kLoad = {
    LoadMetric{
        {"node_load1", "Load average of one minute.", kGauge}, "loadavg, first number", &proc::LoadAverage::load1},
    LoadMetric{
        {"node_load5", "Load average of five minutes.", kGauge}, "loadavg, second number", &proc::LoadAverage::load5},
    LoadMetric{{"node_load15", "Load average of fifteen minutes.", kGauge},
               "loadavg, third number",
               &proc::LoadAverage::load15},
};

constexpr std::array kFileSystem = {
    FileSystemMetric{{"node_filesystem_size_bytes", "Size of the file system.", kGauge},
                     "statvfs f_blocks",
                     &proc::FileSystem::size_bytes},
    FileSystemMetric{{"node_filesystem_avail_bytes", "Space available to users without privileges.", kGauge},
                     "statvfs f_bavail",
                     &proc::FileSystem::available_bytes},
    FileSystemMetric{{"node_filesystem_free_bytes", "Space that nothing uses.", kGauge},
                     "statvfs f_bfree",
                     &proc::FileSystem::free_bytes},
    FileSystemMetric{
        {"node_filesystem_files", "Inodes of the file system.", kGauge}, "statvfs f_files", &proc::FileSystem::files},
    FileSystemMetric{{"node_filesystem_files_free", "Inodes that nothing uses.", kGauge},
                     "statvfs f_ffree",
                     &proc::FileSystem::files_free},
};

constexpr std::array kCpuModes = {
    CpuModeMetric{"user", &proc::CpuTimes::user_seconds},       CpuModeMetric{"nice", &proc::CpuTimes::nice_seconds},
    CpuModeMetric{"system", &proc::CpuTimes::system_seconds},   CpuModeMetric{"idle", &proc::CpuTimes::idle_seconds},
    CpuModeMetric{"iowait", &proc::CpuTimes::iowait_seconds},   CpuModeMetric{"irq", &proc::CpuTimes::irq_seconds},
    CpuModeMetric{"softirq", &proc::CpuTimes::softirq_seconds}, CpuModeMetric{"steal", &proc::CpuTimes::steal_seconds},
};

}  // namespace

std::span<const MemoryMetric> NodeMemoryMetrics() {
  return kMemory;
}
std::span<const KernelMetric> NodeKernelMetrics() {
  return kKernel;
}
std::span<const DiskMetric> NodeDiskMetrics() {
  return kDisk;
}
std::span<const InterfaceMetric> InterfaceMetrics() {
  return kInterface;
}
std::span<const PressureMetric> NodePressureMetrics() {
  return kPressure;
}
std::span<const LoadMetric> NodeLoadMetrics() {
  return kLoad;
}
std::span<const FileSystemMetric> NodeFileSystemMetrics() {
  return kFileSystem;
}
std::span<const CpuModeMetric> NodeCpuModes() {
  return kCpuModes;
}

}  // namespace cloudmon
