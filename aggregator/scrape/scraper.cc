// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/scraper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace cloudmon::scrape {
namespace {

constexpr std::int64_t kPatienceIntervals = 3;

std::int64_t IntervalMs(const LoopOptions& options) {
  return options.interval_seconds * 1000;
}

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

// What a target sent may be quoted in an error, which goes to terminals.
std::string Printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text;
}

}  // namespace

struct Scraper::TargetState {
  std::uint64_t id = 0;
  discovery::Target target;
  PageReader reader;
  TargetStatus status;  // guarded by mu_; written by the scraper's thread only
};

Scraper::Scraper(const LoopOptions& options, const Clock& clock, Fetcher& fetcher,
                 std::unique_ptr<series::Bucketer> bucketer, Loop::Sealed sealed)
    : options_(options),
      clock_(clock),
      fetcher_(fetcher),
      bucketer_(std::move(bucketer)),
      sealed_(std::move(sealed)),
      schedule_(IntervalMs(options)),
      names_(kPatienceIntervals * IntervalMs(options)),
      latest_ms_(clock.NowMs()) {
  SetOptions(options);
}

Scraper::~Scraper() = default;

void Scraper::SetOptions(const LoopOptions& options) {
  const std::int64_t interval_seconds = options_.interval_seconds;
  options_ = options;
  options_.interval_seconds = interval_seconds;
  options_.timeout = std::min(options.timeout, std::chrono::milliseconds(IntervalMs(options_)));
  schedule_.SetTimeout(options_.timeout.count());
  fetcher_.SetLimits({options_.timeout, options_.max_body_bytes, options_.max_connections});
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
      schedule_.Add(state->id, OffsetMs(target.url, IntervalMs(options_)), clock_.NowMs());
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
  for (const std::uint64_t id : schedule_.Due(now_ms)) fetcher_.Start(id, by_id_.at(id)->target.url);
  while (const auto bucket_ms = schedule_.Seal(now_ms)) SealBucket(*bucket_ms);
  const std::lock_guard lock(mu_);
  stats_.skipped_ticks = schedule_.skipped_ticks();
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

void Scraper::SealBucket(std::int64_t bucket_ms) {
  BucketCount count;
  if (auto node = counts_.extract(bucket_ms)) count = node.mapped();
  // Of gaps, nothing is counted; drop what was for buckets that will not come.
  counts_.erase(counts_.begin(), counts_.lower_bound(bucket_ms));
  const std::size_t done = count.reported + count.refused;
  const std::size_t missing = targets_.size() - std::min(done, targets_.size());
  series::Bucket bucket = bucketer_->Seal(bucket_ms / 1000, missing);
  {
    const std::lock_guard lock(mu_);
    ++stats_.buckets_sealed;
  }
  sealed_(std::move(bucket));
}

void Scraper::Take(Fetched fetched) {
  const auto found = by_id_.find(fetched.id);
  if (found == by_id_.end()) return;  // removed meanwhile
  TargetState& target = *found->second;
  const std::optional<std::int64_t> bucket_ms = schedule_.Finish(fetched.id);

  TargetStatus status = target.status;
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
  BucketCount& count = counts_[*bucket_ms];
  const std::uint64_t owner = names_.Claim(node, target.id, *bucket_ms);
  if (owner != target.id) {
    ++count.refused;
    return Error{ErrorCode::kInvalid, "node '" + node + "' is already reported by " + by_id_.at(owner)->target.url +
                                          ": give one of them another name (label `node` in file_sd, --node.name of "
                                          "the exporter)"};
  }
  ++count.reported;
  bucketer_->Add(node, *bucket_ms / 1000, scraped_at_ms, reading);
  return Status::Ok();
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
  return out;
}

LoopStats Scraper::Stats() const {
  const std::lock_guard lock(mu_);
  return stats_;
}

}  // namespace cloudmon::scrape
