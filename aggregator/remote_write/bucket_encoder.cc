// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/bucket_encoder.h"

#include <algorithm>

namespace cloudmon::remote_write {
namespace {

// Null where it has none.
const series::Point* PointAt(const store::SeriesSlice& slice, std::int64_t time_seconds) {
  const auto& times = slice.times_seconds;
  const auto at = std::lower_bound(times.begin(), times.end(), time_seconds);
  if (at == times.end() || *at != time_seconds) return nullptr;
  return &slice.points[static_cast<std::size_t>(at - times.begin())];
}

}  // namespace

std::optional<std::int64_t> Window::NextFrom(std::int64_t time_seconds, std::int64_t interval_seconds) const {
  std::optional<std::int64_t> next_seconds;
  for (const store::SeriesSlice& slice : slices) {
    const auto& times = slice.times_seconds;
    const auto at = std::lower_bound(times.begin(), times.end(), time_seconds - interval_seconds);
    if (at == times.end()) continue;
    next_seconds = std::min(next_seconds.value_or(INT64_MAX), std::max(*at, time_seconds));
    if (*next_seconds == time_seconds) break;
  }
  return next_seconds;
}

BucketEncoder::BucketEncoder(const Window& window, const Part& part, std::int64_t interval_seconds,
                             const Labels& external, std::size_t max_samples)
    : window_(window), part_(part), interval_seconds_(interval_seconds), max_samples_(max_samples), writer_(external) {}

std::optional<Request> BucketEncoder::Next() {
  while (next_ < window_.slices.size() && writer_.samples() + kMemberSamples <= max_samples_) {
    Add(window_.slices[next_++]);
  }
  if (writer_.samples() == 0) return std::nullopt;
  return writer_.Finish();
}

void BucketEncoder::Add(const store::SeriesSlice& slice) {
  const series::Point* now = PointAt(slice, part_.time_seconds);
  const series::Point* before = PointAt(slice, part_.time_seconds - interval_seconds_);
  if (now == nullptr && before == nullptr) return;
  writer_.SetMember(*slice.member);
  for (std::size_t i = 0; i < series::kMetricFields.size(); ++i) {
    const series::Field field = series::kMetricFields[i].field;
    const bool has = now != nullptr && now->Has(field);
    const bool ends = !has && part_.with_ends && before != nullptr && before->Has(field);
    if (has) {
      writer_.Add(i, series::MetricValue(field, now->Get(field)), part_.time_seconds * 1000);
    } else if (ends) {
      writer_.Add(i, kStale, part_.time_seconds * 1000);
    }
  }
}

series::FieldMask SentFields() {
  series::FieldMask mask = 0;
  for (const series::MetricField& field : series::kMetricFields) mask |= series::MaskOf(field.field);
  return mask;
}

}  // namespace cloudmon::remote_write
