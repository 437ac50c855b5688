// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "aggregator/remote_write/request.h"
#include "aggregator/store/store.h"

namespace cloudmon::remote_write {

// Buckets as they were read from the store, with the one before the first.
struct Window {
  std::int64_t start_seconds = 0, end_seconds = 0;  // of the buckets, half-open
  std::vector<store::SeriesSlice> slices;

  [[nodiscard]] bool Has(std::int64_t time_seconds) const {
    return time_seconds >= start_seconds && time_seconds < end_seconds;
  }
  // The first bucket from that one on of which something is to be sent: it has a point, or the one before it. Nullopt:
  // none in the window.
  [[nodiscard]] std::optional<std::int64_t> NextFrom(std::int64_t time_seconds, std::int64_t interval_seconds) const;
};

// What a bucket's requests say.
struct Part {
  std::int64_t time_seconds = 0;
  // Where a value is missing that the bucket before had, its series is marked as ended, so that a gap is a gap at the
  // receiver too. Not where what is missing may still come.
  bool with_ends = true;
};

// A member has at most so many samples in a bucket.
inline constexpr std::size_t kMemberSamples = series::kMetricFields.size();

// Makes the requests for one bucket, one at a time. Pure; one thread at a time.
class BucketEncoder {
 public:
  // `window` has the bucket; it and `external` must outlive the encoder. `max_samples` of a request: kMemberSamples or
  // more.
  BucketEncoder(const Window& window, const Part& part, std::int64_t interval_seconds, const Labels& external,
                std::size_t max_samples);

  // Nullopt: there are no more.
  [[nodiscard]] std::optional<Request> Next();

 private:
  void Add(const store::SeriesSlice& slice);

  const Window& window_;
  const Part part_;
  const std::int64_t interval_seconds_;
  const std::size_t max_samples_;
  RequestWriter writer_;
  std::size_t next_ = 0;  // of the window's slices
};

// What is sent of a point.
[[nodiscard]] series::FieldMask SentFields();

}  // namespace cloudmon::remote_write
