// SPDX-License-Identifier: Apache-2.0
// Requests of Prometheus' remote write protocol 1.0: protobuf, packed with snappy. Pure; one thread at a time.
//
//   WriteRequest { repeated TimeSeries timeseries = 1; }
//   TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2; }
//   Label        { string name = 1; string value = 2; }
//   Sample       { double value = 1; int64 timestamp = 2; }  // milliseconds
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aggregator/remote_write/labels.h"
#include "aggregator/series/metric_names.h"
#include "aggregator/series/model.h"

namespace cloudmon::remote_write {

// Says that a series has ended: a NaN that nothing else is, so compare its bits.
inline constexpr std::uint64_t kStaleBits = 0x7ff0'0000'0000'0002;
inline const double kStale = std::bit_cast<double>(kStaleBits);

struct Request {
  std::string body;
  std::size_t samples = 0;
};

// Writes one sample after the other, each a series of its own: those of a request are of one bucket.
class RequestWriter {
 public:
  // `external` must outlive it.
  explicit RequestWriter(const Labels& external);

  // Whose samples follow.
  void SetMember(const series::Member& member);
  // `field` is an index into kMetricFields.
  void Add(std::size_t field, double value, std::int64_t time_ms);
  [[nodiscard]] std::size_t samples() const { return samples_; }

  // The request; the next one begins.
  [[nodiscard]] Request Finish();

 private:
  using Names = std::array<std::string, series::kMetricFields.size()>;

  const Labels& external_;
  std::array<Names, series::kKindCount> names_;  // by Kind: the label __name__ of each field, encoded
  const Names* member_names_ = nullptr;
  std::string before_name_, after_name_;  // the member's other labels, encoded: labels must be sorted
  std::string bytes_;
  std::size_t samples_ = 0;
};

}  // namespace cloudmon::remote_write
