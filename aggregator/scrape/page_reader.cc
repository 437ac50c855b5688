// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/page_reader.h"

#include <cmath>
#include <string>
#include <utility>

#include "aggregator/scrape/build_reading.h"
#include "aggregator/scrape/page_cache.h"
#include "aggregator/scrape/page_values.h"
#include "aggregator/scrape/series_role.h"

namespace cloudmon::scrape {
namespace {

std::string_view NameOf(std::string_view head) {
  return head.substr(0, head.find_first_of("{ \t"));
}

// One pass over a page: finds each sample's series and gives its value to the owner.
class Scan {
 public:
  Scan(PageCache& cache, const HeadHasher& hasher, const exposition::HeadLimits& limits, bool has_pod_series)
      : cache_(cache), hasher_(hasher), limits_(limits), has_pod_series_(has_pod_series) {
    FitValues();
  }

  // The begin of the line that is a head whose labels need not be parsed: that of the series expected here, or one of a
  // metric that nobody uses. See exposition::KnownHead.
  std::size_t Recognize(std::string_view line) {
    found_ = SeriesList::kNone;
    if (use_ == nullptr && IsOfLastMetric(line)) {
      const std::size_t brace = line.rfind('}');
      return brace == std::string_view::npos ? name_.size() : brace + 1;
    }
    const SeriesList::Index expected = cache_.series.Expected();
    if (expected == SeriesList::kNone) return 0;
    const CachedSeries& series = cache_.series[expected];
    const std::size_t bytes = series.head_bytes;
    if (bytes == 0 || line.size() <= bytes || line[bytes] != ' ') return 0;
    if (hasher_(line.substr(0, bytes)) != series.hash) return 0;
    found_ = expected;
    return bytes;
  }

  // The sample of the line that Recognize() was given last.
  void Take(const exposition::Sample& sample) {
    const SeriesList::Index found = found_ != SeriesList::kNone ? found_ : Lookup(sample.head);
    if (found == SeriesList::kNone) return;
    if (!cache_.series.Take(found)) return Reject(sample.head, "given twice");
    const CachedSeries& series = cache_.series[found];
    const double limit = IsSeconds(series.quantity) ? kMaxValue / 1e6 : kMaxValue;
    if (sample.value >= limit) return Reject(sample.head, "a value too large to be true");
    Apply(series, sample.value);
  }

  [[nodiscard]] const PageValues& values() const { return values_; }
  [[nodiscard]] std::size_t rejected() const { return rejected_; }
  [[nodiscard]] const std::string& first_error() const { return first_error_; }
  [[nodiscard]] const std::string& node() const { return node_; }

 private:
  // kNone: nothing to do with it.
  SeriesList::Index Lookup(std::string_view head) {
    const MetricUse* use = UseOf(head);
    if (use == nullptr) return SeriesList::kNone;
    const HeadHash hash = hasher_(head);
    if (const SeriesList::Index found = cache_.series.Find(hash); found != SeriesList::kNone) return found;
    const auto added = cache_.Add(*use, head, hash, limits_);
    if (!added.ok()) {
      Reject(head, added.error().message);
      return SeriesList::kNone;
    }
    FitValues();
    return added.value();
  }

  void FitValues() {
    values_.pods.resize(cache_.pods.size());
    values_.instances.resize(cache_.instances.size());
    values_.cpus.resize(cache_.cpus.size());
  }

  [[nodiscard]] bool IsOfLastMetric(std::string_view head) const {
    return head.starts_with(name_) && !name_.empty() &&
           (head.size() == name_.size() || head[name_.size()] == '{' || head[name_.size()] == ' ');
  }

  // Samples of one metric stand together: the name is looked up once for them.
  const MetricUse* UseOf(std::string_view head) {
    if (IsOfLastMetric(head)) return use_;
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
        Identify(values_.pods[series.owner], series);
        return Give(values_.pods[series.owner].totals, series.quantity, value);
      case Scope::kContainer:
        Identify(values_.pods[cache_.instances[series.owner].pod], series);
        return Give(values_.instances[series.owner], series.quantity, value);
      case Scope::kPodInfo:
        return Identify(values_.pods[series.owner], series);
      case Scope::kNodeCpu:
        values_.cpus[series.owner] = true;
        return Give(values_.node, series.quantity, value);
      case Scope::kNode:
        return Give(values_.node, series.quantity, value);
      case Scope::kMachine:
        return Give(values_.machine, series.quantity, value);
      case Scope::kNodeInfo:
        if (node_.empty()) node_ = cache_.node_names[series.owner];
        return;
      case Scope::kIgnored:
        return;
    }
  }

  static void Give(Totals& totals, Quantity quantity, double value) {
    const bool is_value = value >= 0;  // not NaN either
    if (is_value && quantity != Quantity::kNothing) totals.Take(quantity, value);
  }

  // cloudmon_pod_info knows best; without it, the first series that says anything.
  static void Identify(PodValues& pod, const CachedSeries& series) {
    pod.seen = true;
    const bool is_info = series.scope == Scope::kPodInfo;
    if (pod.has_info || (!is_info && pod.identity != 0)) return;
    pod.identity = series.identity;
    pod.has_info = is_info;
  }

  PageCache& cache_;
  const HeadHasher& hasher_;
  const exposition::HeadLimits& limits_;
  const bool has_pod_series_;
  PageValues values_;
  SeriesList::Index found_ = SeriesList::kNone;  // by Recognize()
  std::string_view name_;                        // the last metric's that was parsed, within the page's body
  const MetricUse* use_ = nullptr;
  std::size_t rejected_ = 0;
  std::string first_error_, node_;
};

// Whether most of what is known of a target may be of series that are gone.
bool IsStale(const PageCache& cache) {
  constexpr std::size_t kAlwaysKept = 64;
  return cache.added() > 3 * cache.series.size() + kAlwaysKept;
}

}  // namespace

PageReader::PageReader() : cache_(std::make_unique<PageCache>(hasher_)) {}
PageReader::~PageReader() = default;

PageReading PageReader::Read(std::string_view body, exposition::Format format, const PageLimits& limits) {
  std::unique_ptr<PageCache> old;
  if (IsStale(*cache_)) old = std::exchange(cache_, std::make_unique<PageCache>(hasher_));
  const bool has_pod_series = HasPodSeries(body);
  Scan scan(*cache_, hasher_, limits.head, has_pod_series);
  PageReading out;
  out.report = exposition::ParsePage(
      body, format, limits.parse, [&scan](const exposition::Sample& s) { scan.Take(s); },
      [&scan](std::string_view line) { return scan.Recognize(line); });
  out.report.rejected_lines += scan.rejected();
  if (out.report.first_error.empty()) out.report.first_error = scan.first_error();
  if (old) cache_->KeepKeys(*old);
  cache_->EndPage();
  out.reading = BuildReading(*cache_, scan.values(), has_pod_series);
  out.reading.node = scan.node();
  return out;
}

std::size_t PageReader::cached_series() const {
  return cache_->series.size();
}

std::size_t PageReader::cached_owners() const {
  return cache_->pods.size() + cache_->instances.size() + cache_->identities.size();
}

}  // namespace cloudmon::scrape
