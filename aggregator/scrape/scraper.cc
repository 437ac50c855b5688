// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/scraper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace cloudmon::scrape {
namespace {

constexpr std::int64_t kPatienceIntervals = 3;
constexpr std::int64_t kPushGraceMs = 1000;
constexpr std::int64_t kAmendEveryMs = 1000;
constexpr std::int64_t kAmendAgainMs = 10'000;  // where the store failed: a disk that hangs must not hold scrapes up
// To seal a bucket again that was stored before a restart would replace it. A clock that was set back by more than this
// meanwhile had been wrong, and is not waited for.
constexpr std::int64_t kWaitForClockMs = 5 * 60 * 1000;
constexpr std::int64_t kAmendForMs = 200;  // then scrapes and buckets have their turn
// What is amended at once: buckets that lie near each other are read and written together.
constexpr std::size_t kAmendBuckets = 12;
constexpr std::int64_t kAmendSpanBuckets = 60;

bool IsEmpty(const series::Usage& u) {
  return !u.cpu_usage_usec && !u.memory_bytes && !u.memory_working_set_bytes && !u.disk_read_bytes &&
         !u.disk_write_bytes && !u.network_rx_bytes && !u.network_tx_bytes;
}

// What makes a page useless although it came; empty where nothing does.
std::string FaultOf(const PageReading& page, const LoopOptions& options) {
  const exposition::ParseReport& report = page.report;
  if (report.over_sample_limit) {
    return "the page has more than " + std::to_string(options.max_samples) + " samples (--scrape.max-samples)";
  }
  if (report.samples == 0) {
    return "the page has no sample" + (report.first_error.empty() ? "" : ": " + report.first_error) +
           ": is this an exporter's address?";
  }
  if (!report.complete) return "the page is cut off: no # EOF at its end";
  const bool useless =
      page.reading.node.empty() && page.reading.pods.empty() && IsEmpty(page.reading.node_reading.usage);
  return useless ? "the page has no series of a node, pods or containers: is this an exporter's address?" : "";
}

}  // namespace

std::string Printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

struct Scraper::TargetState {
  std::uint64_t id = 0;
  discovery::Target target;
  PageReader reader;
  TargetStatus status;
};

Scraper::Scraper(const LoopOptions& options, const Clock& clock, Fetcher& fetcher,
                 std::unique_ptr<series::Bucketer> bucketer, Loop::Sealed sealed, Loop::Amend amend)
    : options_(options),
      interval_ms_(options.interval_seconds * 1000),
      clock_(clock),
      fetcher_(fetcher),
      sealed_(std::move(sealed)),
      amend_(std::move(amend)),
      latest_ms_(clock.NowMs()),
      bucketer_(std::move(bucketer)),
      schedule_(interval_ms_),
      pushers_(interval_ms_) {
  SetOptions(options);
  if (const auto newest_seconds = bucketer_->NewestRestored()) {
    const std::int64_t end_ms = *newest_seconds * 1000 + interval_ms_;
    if (end_ms - latest_ms_ > kWaitForClockMs) return;
    schedule_.SetSealed(*newest_seconds * 1000);
    latest_ms_ = std::max(latest_ms_, end_ms);
  }
}

Scraper::~Scraper() = default;

void Scraper::SetOptions(const LoopOptions& options) {
  const std::int64_t interval_seconds = options_.interval_seconds;
  options_ = options;
  options_.interval_seconds = interval_seconds;
  options_.timeout = std::min(options.timeout, std::chrono::milliseconds(interval_ms_));
  {
    const std::lock_guard lock(mu_);
    schedule_.SetTimeout(options_.timeout.count());
  }
  fetcher_.SetLimits({options_.timeout, options_.max_body_bytes, options_.max_connections});
  fetcher_.SetAccess(options_.access);
}

void Scraper::SetTargets(const std::vector<discovery::Target>& targets) {
  const std::lock_guard lock(mu_);
  std::unordered_map<std::string, std::unique_ptr<TargetState>> old;
  for (auto& state : targets_) old.emplace(state->target.url, std::move(state));
  targets_.clear();
  for (const discovery::Target& target : targets) {
    std::unique_ptr<TargetState> state;
    if (const auto known = old.find(target.url); known != old.end()) {
      state = std::move(known->second);
      old.erase(known);
    } else {
      state = std::make_unique<TargetState>();
      state->id = ++last_id_;
      state->status.node = target.node.empty() ? target.host_port : target.node;
      by_id_[state->id] = state.get();
      schedule_.Add(state->id, OffsetMs(target.url, interval_ms_), clock_.NowMs());
    }
    state->target = target;
    state->status.url = target.url;
    state->status.source = target.source;
    state->status.labels = target.labels;
    targets_.push_back(std::move(state));
  }
  for (const auto& [url, state] : old) {
    schedule_.Remove(state->id);
    names_.Release(state->id);
    by_id_.erase(state->id);
  }
}

void Scraper::Step() {
  const std::int64_t now_ms = clock_.NowMs();
  WarnWhenTimeGoesBack(now_ms);
  std::vector<std::uint64_t> due;
  {
    const std::lock_guard lock(mu_);
    schedule_.SetGrace(pushers_.AreActive(now_ms) ? std::min(kPushGraceMs, interval_ms_ / 2) : 0);
    due = schedule_.Due(now_ms);
    stats_.skipped_ticks = schedule_.skipped_ticks();
  }
  for (const std::uint64_t id : due) fetcher_.Start(id, by_id_.at(id)->target.url);
  while (auto bucket = SealNext(now_ms)) sealed_(std::move(*bucket));
  AmendSealed();
}

void Scraper::WarnWhenTimeGoesBack(std::int64_t now_ms) {
  constexpr std::int64_t kWorthALineMs = 1000;
  latest_ms_ = std::max(latest_ms_, now_ms);
  const std::int64_t back_ms = latest_ms_ - now_ms;
  if (back_ms > kWorthALineMs && !time_went_back_) {
    spdlog::warn("the system's time went back by {} s: no new bucket until it catches up", back_ms / 1000);
  }
  time_went_back_ = back_ms > kWorthALineMs || (time_went_back_ && back_ms > 0);
}

std::optional<series::Bucket> Scraper::SealNext(std::int64_t now_ms) {
  const std::lock_guard lock(mu_);
  const auto bucket_ms = schedule_.Seal(now_ms);
  if (!bucket_ms) return std::nullopt;
  BucketCount count;
  if (auto node = counts_.extract(*bucket_ms)) count = std::move(node.mapped());
  // Of gaps, nothing is counted; drop what was for buckets that will not come.
  counts_.erase(counts_.begin(), counts_.lower_bound(*bucket_ms));
  for (const std::uint64_t id : pushers_.Forget(now_ms)) names_.Release(id);
  const std::size_t done = count.reported + count.refused;
  const std::size_t missing = targets_.size() - std::min(done, targets_.size());
  ++stats_.buckets_sealed;
  return bucketer_->Seal(*bucket_ms / 1000, missing + pushers_.CountMissing(*bucket_ms, count.pushed, now_ms));
}

void Scraper::AmendSealed() {
  const std::int64_t now_ms = clock_.SteadyMs();
  if (now_ms - amended_at_ms_ < kAmendEveryMs) return;
  amended_at_ms_ = now_ms;
  CollectAmendments();
  while (!amendments_.empty() && clock_.SteadyMs() - now_ms < kAmendForMs) {
    if (AmendNext()) continue;
    amended_at_ms_ = clock_.SteadyMs() + kAmendAgainMs - kAmendEveryMs;
    return;
  }
}

void Scraper::AmendAll() {
  CollectAmendments();
  while (!amendments_.empty() && AmendNext()) {
  }
}

// Several late documents for one bucket are one change of the store.
void Scraper::CollectAmendments() {
  const std::lock_guard lock(mu_);
  for (auto& [bucket_seconds, list] : bucketer_->TakeAmendments()) {
    std::ranges::move(list, std::back_inserter(amendments_[bucket_seconds]));
  }
}

// False where it is to be tried again: the store cannot be written. Amending twice is as amending once.
bool Scraper::AmendNext() {
  std::vector<std::int64_t> buckets_seconds;
  const std::int64_t end_seconds = amendments_.begin()->first + kAmendSpanBuckets * interval_ms_ / 1000;
  for (const auto& [seconds, amendments] : amendments_) {
    if (seconds >= end_seconds || buckets_seconds.size() == kAmendBuckets) break;
    buckets_seconds.push_back(seconds);
  }
  const Status amended = amend_(
      buckets_seconds, [this](series::Bucket& bucket) { series::Apply(amendments_.at(bucket.time_seconds), bucket); });
  if (!amended.ok() && amended.error().code != ErrorCode::kInvalid) return false;
  const std::lock_guard lock(mu_);
  for (const std::int64_t seconds : buckets_seconds) {
    const auto done = amendments_.extract(seconds);
    for (const series::Amendment& amendment : done.mapped()) waiting_entries_ -= amendment.entries();
  }
  return true;
}

void Scraper::Take(const Fetched& fetched) {
  const auto found = by_id_.find(fetched.id);
  if (found == by_id_.end()) return;  // removed meanwhile
  TargetState& target = *found->second;
  std::optional<std::int64_t> bucket_ms;
  TargetStatus status;
  {
    const std::lock_guard lock(mu_);
    status = target.status;
    bucket_ms = schedule_.Finish(fetched.id);
  }
  status.last_scrape_ms = fetched.sent_ms;
  status.duration_seconds = fetched.duration_seconds;
  status.body_bytes = fetched.page.ok() ? fetched.page.value().body.size() : 0;
  status.samples = status.rejected_lines = 0;
  status.last_error.clear();

  const Status taken = fetched.page.ok() ? TakePage(target, fetched, bucket_ms, status) : Status(fetched.page.error());
  if (!taken.ok()) status.last_error = Printable(taken.error().message);
  status.up = taken.ok();
  NoteResult(target, std::move(status), !bucket_ms);
}

Status Scraper::TakePage(TargetState& target, const Fetched& fetched, std::optional<std::int64_t> bucket_ms,
                         TargetStatus& status) {
  PageLimits limits;
  limits.parse.max_samples = options_.max_samples;
  const Page& page = fetched.page.value();
  const PageReading read = target.reader.Read(page.body, page.format, limits);
  status.samples = read.report.samples;
  status.rejected_lines = read.report.rejected_lines;
  if (std::string fault = FaultOf(read, options_); !fault.empty()) return Error{ErrorCode::kParse, std::move(fault)};

  const discovery::Target& known = target.target;
  status.node = !known.node.empty() ? known.node : !read.reading.node.empty() ? read.reading.node : known.host_port;
  return AddReading(target, status.node, fetched.sent_ms - read.reading.age_ms, read.reading, bucket_ms);
}

Status Scraper::AddReading(const TargetState& target, const std::string& node, std::int64_t scraped_at_ms,
                           const series::TargetReading& reading, std::optional<std::int64_t> bucket_ms) {
  if (!bucket_ms) return Error{ErrorCode::kTimeout, "the answer came after its bucket was over and is not used"};
  const std::lock_guard lock(mu_);
  BucketCount& count = counts_[*bucket_ms];
  const std::uint64_t owner = names_.Claim(node, target.id, *bucket_ms, kPatienceIntervals * interval_ms_);
  if (owner != target.id) {
    ++count.refused;
    const std::optional<std::string> url = UrlOf(owner);
    const std::string by = url ? "is already reported by " + *url + ": "
                               : "is pushed from " + pushers_.At(node).from + ": stop pushing it, or ";
    return Error{ErrorCode::kInvalid,
                 "node '" + node + "' " + by +
                     "give one of them another name (label `node` in file_sd, --node.name of the exporter)"};
  }
  ++count.reported;
  bucketer_->Add(node, *bucket_ms / 1000, scraped_at_ms, reading);
  return Status::Ok();
}

std::optional<std::string> Scraper::UrlOf(std::uint64_t id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? std::nullopt : std::optional(found->second->target.url);
}

void Scraper::NoteResult(TargetState& target, TargetStatus status, bool late) {
  const bool first = target.status.last_scrape_ms == 0;
  const bool was_up = target.status.up;
  if (!status.up && (was_up || first)) spdlog::warn("{}: {}", status.url, status.last_error);
  if (status.up && !was_up) spdlog::info("{}: up, node {}", status.url, status.node);

  const std::lock_guard lock(mu_);
  ++stats_.scrapes;
  if (!status.up) ++stats_.scrape_failures;
  stats_.samples += status.samples;
  stats_.rejected_lines += status.rejected_lines;
  if (late) stats_.late_samples += status.samples;
  target.status = std::move(status);
}

std::vector<TargetStatus> Scraper::Statuses() const {
  const std::lock_guard lock(mu_);
  std::vector<TargetStatus> out;
  out.reserve(targets_.size());
  for (const auto& state : targets_) out.push_back(state->status);
  pushers_.AppendStatuses(clock_.NowMs(), out);
  return out;
}

std::optional<std::int64_t> Scraper::NextEventMs() const {
  const std::lock_guard lock(mu_);
  return schedule_.NextEventMs(clock_.NowMs());
}

LoopStats Scraper::Stats() const {
  const std::lock_guard lock(mu_);
  return stats_;
}

}  // namespace cloudmon::scrape
