// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/page_reader.h"

#include <cmath>
#include <string>
#include <utility>

#include "aggregator/scrape/build_reading.h"
#include "aggregator/scrape/page_cache.h"
#include "aggregator/scrape/series_role.h"

namespace cloudmon::scrape {
namespace {

std::string_view NameOf(std::string_view head) {
  return head.substr(0, head.find_first_of("{ \t"));
}

// One pass over a page: finds each sample's series and gives its value to the owner.
class Scan {
 public:
  Scan(PageCache& cache, std::uint32_t page, const exposition::HeadLimits& limits, bool has_pod_series)
      : cache_(cache), page_(page), limits_(limits), has_pod_series_(has_pod_series), last_(&cache.first) {}

  void Take(const exposition::Sample& sample) {
    CachedHead* series = Lookup(sample.head);
    if (series == nullptr) return;
    CachedSeries& cached = series->second;
    if (cached.page == page_) return Reject(sample.head, "given twice");
    cached.page = page_;
    ++live_;
    last_->second.next = series;
    last_ = series;
    const double limit = IsSeconds(cached.quantity) ? kMaxValue / 1e6 : kMaxValue;
    if (sample.value >= limit) return Reject(sample.head, "a value too large to be true");
    Apply(cached, sample.value);
  }

  [[nodiscard]] std::size_t live() const { return live_; }
  [[nodiscard]] std::size_t rejected() const { return rejected_; }
  [[nodiscard]] const std::string& first_error() const { return first_error_; }
  [[nodiscard]] const std::string& node() const { return node_; }

 private:
  // Null: nothing to do with it. Pages keep their order, so most series are the one that followed last time.
  CachedHead* Lookup(std::string_view head) {
    CachedHead* expected = last_->second.next;
    if (expected != nullptr && expected->first == head) return expected;
    const MetricUse* use = UseOf(head);
    if (use == nullptr) return nullptr;
    if (CachedHead* found = cache_.Find(head)) return found;
    auto added = cache_.Add(*use, head, limits_);
    if (added.ok()) return added.value();
    Reject(head, added.error().message);
    return nullptr;
  }

  // Samples of one metric stand together: the name is looked up once for them.
  const MetricUse* UseOf(std::string_view head) {
    const bool same =
        head.starts_with(name_) && !name_.empty() && (head.size() == name_.size() || head[name_.size()] == '{');
    if (same) return use_;
    name_ = NameOf(head);
    use_ = FindMetric(name_);
    const bool repeats_pods = has_pod_series_ && use_ != nullptr && use_->scope == Scope::kContainer &&
                              !IsNetwork(use_->quantity) && use_->quantity != Quantity::kStartSeconds;
    if (repeats_pods) use_ = nullptr;
    return use_;
  }

  void Reject(std::string_view head, std::string_view why) {
    ++rejected_;
    if (first_error_.empty()) first_error_ = std::string(NameOf(head)) + ": " + std::string(why);
  }

  void Apply(const CachedSeries& series, double value) {
    switch (series.scope) {
      case Scope::kPod:
        Identify(series);
        return Give(cache_.pods[series.pod].totals, series.quantity, value);
      case Scope::kContainer:
        Identify(series);
        return Give(cache_.instances[series.owner].totals, series.quantity, value);
      case Scope::kPodInfo:
        return Identify(series);
      case Scope::kNodeCpu:
        cache_.cpu_pages[series.owner] = page_;
        return Give(cache_.node, series.quantity, value);
      case Scope::kNode:
        return Give(cache_.node, series.quantity, value);
      case Scope::kMachine:
        return Give(cache_.machine, series.quantity, value);
      case Scope::kNodeInfo:
        if (node_.empty()) node_ = cache_.node_names[series.owner];
        return;
      case Scope::kIgnored:
        return;
    }
  }

  void Give(Totals& totals, Quantity quantity, double value) const {
    const bool is_value = value >= 0;  // not NaN either
    if (is_value && quantity != Quantity::kNothing) totals.Take(page_, quantity, value);
  }

  // cloudmon_pod_info knows best; without it, the first series that says anything.
  void Identify(const CachedSeries& series) {
    Pod& pod = cache_.pods[series.pod];
    if (pod.page != page_) {
      pod.page = page_;
      pod.identity = 0;
      pod.has_info = false;
    }
    const bool is_info = series.scope == Scope::kPodInfo;
    if (pod.has_info || (!is_info && pod.identity != 0)) return;
    pod.identity = series.identity;
    pod.has_info = is_info;
  }

  PageCache& cache_;
  const std::uint32_t page_;
  const exposition::HeadLimits& limits_;
  const bool has_pod_series_;
  CachedHead* last_;
  std::string_view name_;  // the last metric's, within the page's body
  const MetricUse* use_ = nullptr;
  std::size_t live_ = 0, rejected_ = 0;
  std::string first_error_, node_;
};

}  // namespace

PageReader::PageReader() : cache_(std::make_unique<PageCache>()) {}
PageReader::~PageReader() = default;

PageReading PageReader::Read(std::string_view body, exposition::Format format, const PageLimits& limits) {
  ++page_;
  const bool has_pod_series = HasPodSeries(body);
  Scan scan(*cache_, page_, limits.head, has_pod_series);
  PageReading out;
  out.report =
      exposition::ParsePage(body, format, limits.parse, [&scan](const exposition::Sample& s) { scan.Take(s); });
  out.report.rejected_lines += scan.rejected();
  if (out.report.first_error.empty()) out.report.first_error = scan.first_error();
  out.reading = BuildReading(*cache_, page_, has_pod_series);
  out.reading.node = scan.node();
  DropStale(limits, scan.live());
  return out;
}

std::size_t PageReader::cached_series() const {
  return cache_->heads.size();
}

void PageReader::DropStale(const PageLimits& limits, std::size_t live) {
  constexpr std::size_t kAlwaysKept = 64;
  if (cache_->heads.size() <= 3 * live + kAlwaysKept) return;
  auto fresh = std::make_unique<PageCache>();
  CachedHead* last = &fresh->first;
  const CachedHead* series = &cache_->first;
  for (; live > 0; --live) {
    series = series->second.next;
    const auto added = fresh->Add(*FindMetric(NameOf(series->first)), series->first, limits.head);
    if (!added.ok()) continue;  // a limit was lowered meanwhile
    last->second.next = added.value();
    last = added.value();
  }
  fresh->KeepKeys(*cache_);
  cache_ = std::move(fresh);
}

}  // namespace cloudmon::scrape
