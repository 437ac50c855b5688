// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregator/api/handlers.h"
#include "aggregator/commands/export_command.h"
#include "aggregator/commands/import_command.h"
#include "aggregator/commands/store_options.h"
#include "aggregator/config.h"
#include "aggregator/discoveries.h"
#include "aggregator/discovery/shard.h"
#include "aggregator/remote_writer.h"
#include "aggregator/scrape/loop.h"
#include "aggregator/store/store.h"
#include "common/http/address.h"
#include "common/http/server.h"
#include "common/log.h"
#include "common/process_stats.h"
#include "common/signals.h"
#include "common/version.h"

namespace cloudmon {
namespace {

struct Loaded {
  AggregatorConfig config;
  IngestToken ingest_token;
  std::string log_level;
  bool check_only = false;
  bool exit = false;  // --help or --version was printed
};

Result<Loaded> Load(int argc, const char* const* argv) {
  Loaded loaded;
  const auto table = AggregatorOptions(loaded.config);
  const auto action = table->Parse(argc, argv);
  if (!action.ok()) return action.error();
  loaded.exit = action.value() == config::Action::kExit;
  if (loaded.exit) return loaded;
  if (const Status finished = FinishConfig(loaded.config); !finished.ok()) return finished.error();
  if (const auto address = http::ParseListenAddress(loaded.config.listen_address); !address.ok()) {
    return Wrap(address.error(), "web.listen-address");
  }
  auto token = ReadIngestToken(loaded.config.ingest_token_file);
  if (!token.ok()) return token.error();
  loaded.ingest_token = std::move(token).value();
  loaded.log_level = table->log_level();
  loaded.check_only = table->check_config();
  return loaded;
}

void WarnOfReadableToken(const Loaded& loaded) {
  if (!loaded.ingest_token.readable_by_all) return;
  spdlog::warn("ingest.token-file: every user of this machine can read {}", loaded.config.ingest_token_file);
}

std::int64_t Seconds(std::chrono::milliseconds value) {
  return std::chrono::duration_cast<std::chrono::seconds>(value).count();
}

scrape::LoopOptions LoopOptionsOf(const AggregatorConfig& config) {
  scrape::LoopOptions options;
  options.interval_seconds = Seconds(config.scrape_interval);
  options.timeout = config.scrape_timeout;
  options.max_body_bytes = static_cast<std::size_t>(config.scrape_max_body_bytes);
  options.max_samples = static_cast<std::size_t>(config.scrape_max_samples);
  options.access = {.bearer_token_file = config.scrape_bearer_token_file,
                    .ca_file = config.scrape_ca_file,
                    .server_name = config.scrape_server_name,
                    .verify_tls = !config.scrape_insecure_skip_verify};
  options.shard = discovery::ParseShard(config.scrape_shard).value();  // FinishConfig has accepted it
  return options;
}

// Goes on from what was stored: the last entries of each member. How long each is remembered is the bucketer's to say.
std::unique_ptr<series::Bucketer> RestoreBucketer(const store::Store& store, std::int64_t interval_seconds) {
  auto bucketer = std::make_unique<series::Bucketer>(interval_seconds);
  std::vector<std::pair<std::int64_t, series::Entry>> last;
  for (const store::SeriesSlice& slice : store.Tail()) {
    for (std::size_t i = 0; i < slice.points.size(); ++i) {
      last.emplace_back(slice.times_seconds[i], series::Entry{slice.member, slice.points[i]});
    }
  }
  bucketer->Restore(last);
  return bucketer;
}

// The running aggregator: everything that a reload may change goes through here. Thread-safe.
class Aggregator {
 public:
  Aggregator(int argc, const char* const* argv, Loaded loaded, std::unique_ptr<store::Store> store, const Clock& clock,
             DiscoveryMaker maker, discovery::Discoveries discoveries)
      : argc_(argc),
        argv_(argv),
        log_level_(std::move(loaded.log_level)),
        config_(std::move(loaded.config)),
        ingest_token_(std::move(loaded.ingest_token.text)),
        discovery_maker_(std::move(maker)),
        store_(std::move(store)),
        remote_writer_(*store_, clock) {
    remote_writer_.Set(config_);
    const LoopOptions options = LoopOptionsOf(config_);
    loop_ = scrape::Loop::Start(
        options, clock, std::move(discoveries), RestoreBucketer(*store_, options.interval_seconds),
        [this](series::Bucket bucket) { Append(std::move(bucket)); },
        [this](const auto& buckets_seconds, const auto& change) { return Amend(buckets_seconds, change); });
  }

  // Reads the settings again. A bad one is refused and the old ones stay.
  Status Reload() {
    const std::lock_guard lock(mu_);
    auto loaded = Load(argc_, argv_);
    Status status = loaded.ok() ? CheckFixed(loaded.value()) : Status(loaded.error());
    discovery::Discoveries discoveries;
    if (status.ok()) status = MakeDiscoveries(loaded.value().config, discoveries);
    if (!status.ok()) {
      spdlog::error("reload refused, the old settings stay: {}", status.error().message);
      return status;
    }
    WarnOfReadableToken(loaded.value());
    const bool same_remote_write = SameRemoteWrite(loaded.value().config);
    config_ = std::move(loaded.value().config);
    ingest_token_ = std::move(loaded.value().ingest_token.text);
    loop_->Reload(LoopOptionsOf(config_), std::move(discoveries));
    store_->SetRetention(Seconds(config_.storage_retention));
    if (!same_remote_write) remote_writer_.Set(config_);
    spdlog::info("settings reloaded");
    return status;
  }

  [[nodiscard]] std::string ingest_token() const {
    const std::lock_guard lock(mu_);
    return ingest_token_;
  }
  Status Push(scrape::PushedReading pushed) { return loop_->Push(std::move(pushed)); }

  [[nodiscard]] const store::Store& store() const { return *store_; }
  [[nodiscard]] const scrape::Loop& loop() const { return *loop_; }
  [[nodiscard]] const RemoteWriter& remote_writer() const { return remote_writer_; }

 private:
  using LoopOptions = scrape::LoopOptions;

  Status MakeDiscoveries(const AggregatorConfig& config, discovery::Discoveries& out) {
    auto made = discovery_maker_.Make(config);
    if (!made.ok()) return made.error();
    out = std::move(made).value();
    return Status::Ok();
  }

  // What is sent is not sent anew where nothing has changed.
  [[nodiscard]] bool SameRemoteWrite(const AggregatorConfig& next) const {
    return next.remote_write == config_.remote_write && next.storage_retention == config_.storage_retention;
  }

  void Append(series::Bucket bucket) {
    const std::int64_t time_seconds = bucket.time_seconds;
    store_->Append(std::move(bucket));
    remote_writer_.Appended(time_seconds);
  }

  // What was pushed late waits where the store cannot take it; the log says so once.
  Status Amend(const std::vector<std::int64_t>& buckets_seconds, const std::function<void(series::Bucket&)>& change) {
    Status status = store_->Amend(buckets_seconds, change);
    remote_writer_.Amended(buckets_seconds);  // after a failure too, for some may have changed
    if (!status.ok() && !amending_fails_) {
      const bool lost = status.error().code == ErrorCode::kInvalid;
      spdlog::error("late documents for bucket {} and others {}: {}", buckets_seconds.front(),
                    lost ? "are lost" : "wait in memory", status.error().message);
    }
    amending_fails_ = !status.ok();
    return status;
  }

  // What only a restart can change.
  [[nodiscard]] Status CheckFixed(const Loaded& loaded) const {
    const AggregatorConfig& next = loaded.config;
    const std::pair<const char*, bool> fixed[] = {
        {"log.level", loaded.log_level != log_level_},
        {"web.listen-address", next.listen_address != config_.listen_address},
        {"scrape.interval", next.scrape_interval != config_.scrape_interval},
        {"storage.path", next.storage_path != config_.storage_path},
        {"storage.head-points", next.storage_head_points != config_.storage_head_points},
        {"query.max-points", next.query_max_points != config_.query_max_points},
        {"web.rollup-metrics", next.web_rollup_metrics != config_.web_rollup_metrics},
        {"web.cors-origins", next.web_cors_origins != config_.web_cors_origins},
        {"ingest.max-body-bytes", next.ingest_max_body_bytes != config_.ingest_max_body_bytes},
    };
    for (const auto& [name, changed] : fixed) {
      if (changed) return Error{ErrorCode::kInvalid, std::string(name) + ": changing this needs a restart"};
    }
    return Status::Ok();
  }

  const int argc_;
  const char* const* const argv_;
  const std::string log_level_;
  mutable std::mutex mu_;
  AggregatorConfig config_;         // guarded by mu_
  std::string ingest_token_;        // guarded by mu_
  DiscoveryMaker discovery_maker_;  // guarded by mu_
  const std::unique_ptr<store::Store> store_;
  bool amending_fails_ = false;  // of the loop's thread
  RemoteWriter remote_writer_;
  std::unique_ptr<scrape::Loop> loop_;  // after what it calls: it ends first
};

int Fail(const Error& error) {
  std::fprintf(stderr, "cloud-monitor-aggregator: %s\n", error.message.c_str());
  return 2;
}

int Run(int argc, const char* const* argv, const Loaded& loaded) {
  const AggregatorConfig& config = loaded.config;
  WarnOfReadableToken(loaded);
  const SystemClock clock;
  auto store = store::Store::Open(StoreOptionsOf(config), clock);
  if (!store.ok()) return Fail(store.error());
  DiscoveryMaker maker(clock);
  auto discoveries = maker.Make(config);
  if (!discoveries.ok()) return Fail(discoveries.error());
  Aggregator aggregator(argc, argv, loaded, std::move(store.value()), clock, std::move(maker),
                        std::move(discoveries).value());

  api::ApiDeps deps{.store = aggregator.store(),
                    .clock = clock,
                    .targets = [&] { return aggregator.loop().Targets(); },
                    .loop_stats = [&] { return aggregator.loop().Stats(); },
                    .process_stats = [] { return ReadProcessStats(kProcfs); },
                    // Handlers have little stack (common/http/server.h); reading YAML may take much.
                    .reload = [&] { return std::async(std::launch::async, [&] { return aggregator.Reload(); }).get(); },
                    .push = [&](scrape::PushedReading pushed) { return aggregator.Push(std::move(pushed)); },
                    .ingest_token = [&] { return aggregator.ingest_token(); },
                    .remote_write_stats = [&] { return aggregator.remote_writer().Stats(); }};
  deps.options.interval_seconds = Seconds(config.scrape_interval);
  deps.options.max_points = static_cast<std::size_t>(config.query_max_points);
  deps.options.rollup_metrics = config.web_rollup_metrics;
  deps.options.max_ingest_bytes = static_cast<std::size_t>(config.ingest_max_body_bytes);
  deps.options.cors_origins = config.web_cors_origins;

  http::ServerOptions options;
  options.listen_address = config.listen_address;
  options.threads = 16;
  options.max_body_bytes = deps.options.max_ingest_bytes;
  auto server = http::Server::Start(options, api::BuildRouter(deps));
  if (!server.ok()) return Fail(server.error());
  spdlog::info("cloud-monitor-aggregator {}: listening on port {}", kVersion, server.value()->port());
  while (WaitForSignal() == Signal::kReload) (void)aggregator.Reload();
  return 0;
}

int Main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command == "export" || command == "import") {
    const Status status = command == "export" ? RunExport(argc - 1, argv + 1) : RunImport(argc - 1, argv + 1);
    return status.ok() ? 0 : Fail(status.error());
  }
  auto loaded = Load(argc, argv);
  if (!loaded.ok()) return Fail(loaded.error());
  if (loaded.value().exit) return 0;
  if (const Status log = InitLog(loaded.value().log_level); !log.ok()) return Fail(log.error());
  if (loaded.value().check_only) {
    std::puts("the configuration is good");
    return 0;
  }
  HoldSignals();
  // Few heaps for many threads, and large blocks (answers) returned to the system when freed: docs/performance.md.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  return Run(argc, argv, loaded.value());
}

}  // namespace
}  // namespace cloudmon

int main(int argc, char** argv) {
  try {
    return cloudmon::Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "cloud-monitor-aggregator: %s\n", e.what());
    return 1;
  }
}
