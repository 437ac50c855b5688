// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <utility>

#include "common/file.h"
#include "common/http/address.h"
#include "common/http/server.h"
#include "common/log.h"
#include "common/signals.h"
#include "common/version.h"
#include "exporter/collector.h"
#include "exporter/config.h"
#include "exporter/identity/process_probe.h"
#include "exporter/push/pusher.h"
#include "exporter/sources.h"
#include "exporter/web.h"

namespace cloudmon {
namespace {

int Fail(const Error& error) {
  std::fprintf(stderr, "cloud-monitor-exporter: %s\n", error.message.c_str());
  return 2;
}

// Null where pushing is off.
std::unique_ptr<push::Pusher> StartPusher(const ExporterConfig& config, Collector& collector, const Clock& clock,
                                          push::Stats& stats) {
  if (config.push.url.empty()) return nullptr;
  push::PusherOptions options;
  options.node = config.node_name;
  options.interval = config.push.interval;
  options.queue = static_cast<std::size_t>(config.push.queue);
  options.url = config.push.url;
  options.token_file = config.push.token_file;
  return std::make_unique<push::Pusher>(
      options, [&collector] { return collector.PushDocument(); }, post::MakeRandom(), clock, stats);
}

int Run(const ExporterConfig& config) {
  const SystemClock clock;
  const identity::ProcessProbe probe(config.roots.procfs);
  push::Stats push_stats;
  auto sources = MakeSources(
      config, [](const char* name) -> const char* { return std::getenv(name); }, clock);
  if (!sources.ok()) return Fail(sources.error());
  Collector collector(config, std::move(sources).value(), probe, clock,
                      config.push.url.empty() ? nullptr : &push_stats);
  http::ServerOptions options;
  options.listen_address = config.listen_address;
  options.threads = 4;
  auto server = http::Server::Start(options, BuildExporterRouter(collector));
  if (!server.ok()) return Fail(server.error());
  spdlog::info("cloud-monitor-exporter {} on node {}: listening on port {}", kVersion, config.node_name,
               server.value()->port());
  const auto pusher = StartPusher(config, collector, clock, push_stats);
  while (WaitForSignal() == Signal::kReload) spdlog::info("SIGHUP: the exporter has nothing to reload");
  return 0;
}

int Main(int argc, char** argv) {
  ExporterConfig config;
  const auto table = ExporterOptions(config);
  const auto action = table->Parse(argc, argv);
  if (!action.ok()) return Fail(action.error());
  if (action.value() == config::Action::kExit) return 0;
  for (const Status& check : {FinishConfig(config), InitLog(table->log_level())}) {
    if (!check.ok()) return Fail(check.error());
  }
  if (const auto address = http::ParseListenAddress(config.listen_address); !address.ok()) {
    return Fail(Wrap(address.error(), "web.listen-address"));
  }
  if (table->check_config()) {
    std::puts("the configuration is good");
    return 0;
  }
  HoldSignals();
  RaiseDescriptorLimit();  // --collector.cgroup.kept-descriptors
  // One heap for all threads, and large blocks (pages, their compressed form) returned to the system when freed:
  // docs/performance.md.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  return Run(config);
}

}  // namespace
}  // namespace cloudmon

int main(int argc, char** argv) {
  try {
    return cloudmon::Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cloud-monitor-exporter: %s\n", e.what());
    return 1;
  }
}
