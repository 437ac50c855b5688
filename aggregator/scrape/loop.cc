// SPDX-License-Identifier: Apache-2.0
// A bucket is sealed at its end at the earliest, even when all targets have reported: that is simple to foresee, and
// what is pushed may come until then, and a second longer while nodes push (less where intervals are short), so that
// what was measured at its end comes in time. Scrapes still in flight at its end are waited for, at most one timeout.
// What is pushed later yet changes the sealed bucket, as if it had come in time where that is possible.
#include "aggregator/scrape/loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "aggregator/scrape/fetcher.h"
#include "aggregator/scrape/scraper.h"

namespace cloudmon::scrape {
namespace {

using discovery::Discoveries;
using std::chrono::milliseconds;

constexpr std::int64_t kChangedEveryMs = 1000;

class LoopThread final : public Loop {
 public:
  LoopThread(LoopOptions options, const Clock& clock, Discoveries discoveries,
             std::unique_ptr<series::Bucketer> bucketer, Sealed sealed, Amend amend)
      : interval_ms_(options.interval_seconds * 1000),
        clock_(clock),
        fetcher_(MakeCurlFetcher({}, clock)),
        scraper_(options, clock, *fetcher_, std::move(bucketer), std::move(sealed), std::move(amend)),
        shard_(options.shard),
        discoveries_(std::move(discoveries)),
        thread_([this] { Run(); }) {}

  ~LoopThread() override {
    {
      const std::lock_guard lock(mu_);
      stopping_ = true;
    }
    wake_.notify_all();
    fetcher_->Wake();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  Status Push(PushedReading pushed) override { return scraper_.Push(std::move(pushed)); }

  [[nodiscard]] std::vector<TargetStatus> Targets() const override { return scraper_.Statuses(); }
  [[nodiscard]] LoopStats Stats() const override { return scraper_.Stats(); }

  void Reload(LoopOptions options, Discoveries discoveries) override {
    const std::lock_guard lock(mu_);
    reload_ = PendingReload{std::move(options), std::move(discoveries)};
    fetcher_->Wake();
  }

 private:
  struct PendingReload {
    LoopOptions options;
    Discoveries discoveries;
  };

  void Run() {
    bool stopping = false;
    while (!stopping) {
      try {
        stopping = Stopping();
        stopping ? scraper_.AmendAll() : Turn();
      } catch (const std::exception& e) {
        spdlog::error("scrape loop: {}; goes on in 1 s", e.what());
        std::unique_lock lock(mu_);
        wake_.wait_for(lock, milliseconds(1000), [this] { return stopping_; });
      }
    }
  }

  void Turn() {
    TakeReload();
    if (MustDiscover()) {
      discover_at_ms_ = clock_.SteadyMs() + interval_ms_;
      scraper_.SetTargets(discovery::AllTargets(discoveries_, shard_));
    }
    scraper_.Step();
    fetcher_->Wait(TimeToNextTurn(), [this](const Fetched& fetched) { scraper_.Take(fetched); });
  }

  // Once an interval, as files do not tell; at most once a second where a discovery has something new.
  [[nodiscard]] bool MustDiscover() const {
    const std::int64_t left_ms = discover_at_ms_ - clock_.SteadyMs();
    return left_ms <= 0 || (interval_ms_ - left_ms >= kChangedEveryMs &&
                            std::ranges::any_of(discoveries_, [](const auto& d) { return d->Changed(); }));
  }

  // At most a second, so that a jump of the system's time, and a discovery's news, are soon seen.
  [[nodiscard]] milliseconds TimeToNextTurn() const {
    std::int64_t wait_ms = std::min<std::int64_t>(1000, discover_at_ms_ - clock_.SteadyMs());
    if (const auto next_ms = scraper_.NextEventMs()) wait_ms = std::min(wait_ms, *next_ms - clock_.NowMs());
    return milliseconds(std::max<std::int64_t>(wait_ms, 1));
  }

  void TakeReload() {
    std::optional<PendingReload> reload;
    {
      const std::lock_guard lock(mu_);
      reload.swap(reload_);
    }
    if (!reload) return;
    scraper_.SetOptions(reload->options);
    shard_ = reload->options.shard;
    discoveries_ = std::move(reload->discoveries);
    discover_at_ms_ = 0;
  }

  bool Stopping() {
    const std::lock_guard lock(mu_);
    return stopping_;
  }

  const std::int64_t interval_ms_;
  const Clock& clock_;
  const std::unique_ptr<Fetcher> fetcher_;
  Scraper scraper_;
  discovery::Shard shard_;           // of the loop's thread
  Discoveries discoveries_;          // of the loop's thread
  std::int64_t discover_at_ms_ = 0;  // steady; of the loop's thread
  std::mutex mu_;
  std::condition_variable wake_;
  bool stopping_ = false;                // guarded by mu_
  std::optional<PendingReload> reload_;  // guarded by mu_
  std::thread thread_;                   // last: uses all of the above
};

}  // namespace

std::unique_ptr<Loop> Loop::Start(LoopOptions options, const Clock& clock, Discoveries discoveries,
                                  std::unique_ptr<series::Bucketer> bucketer, Sealed sealed, Amend amend) {
  return std::make_unique<LoopThread>(options, clock, std::move(discoveries), std::move(bucketer), std::move(sealed),
                                      std::move(amend));
}

}  // namespace cloudmon::scrape
