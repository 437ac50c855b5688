// SPDX-License-Identifier: Apache-2.0
// Requests as a receiver reads them.
#pragma once

#include <doctest/doctest.h>
#include <snappy.h>

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/remote_write/request.h"
#include "common/text.h"
#include "tests/unit/aggregator/remote.pb.h"

namespace cloudmon::test {

// One line for each sample: `name{label="value",...} value @time_ms`, in the order of the request.
inline std::vector<std::string> Decode(std::string_view body) {
  std::string unpacked;
  REQUIRE(snappy::Uncompress(body.data(), body.size(), &unpacked));
  remote_proto::WriteRequest request;
  REQUIRE(request.ParseFromString(unpacked));
  std::vector<std::string> lines;
  for (const remote_proto::TimeSeries& series : request.timeseries()) {
    std::string name, labels;
    for (const remote_proto::Label& label : series.labels()) {
      if (label.name() == "__name__") {
        name = label.value();
      } else {
        labels += (labels.empty() ? "" : ",") + label.name() + "=\"" + label.value() + "\"";
      }
    }
    for (const remote_proto::Sample& sample : series.samples()) {
      std::string value;
      text::AppendNumber(value, sample.value());
      const bool stale = std::bit_cast<std::uint64_t>(sample.value()) == remote_write::kStaleBits;
      lines.push_back(name + "{" + labels + "} " + (stale ? "stale" : value) + " @" +
                      std::to_string(sample.timestamp()));
    }
  }
  return lines;
}

// The order of labels as they are sent, of each series.
inline std::vector<std::vector<std::string>> LabelNames(std::string_view body) {
  std::string unpacked;
  REQUIRE(snappy::Uncompress(body.data(), body.size(), &unpacked));
  remote_proto::WriteRequest request;
  REQUIRE(request.ParseFromString(unpacked));
  std::vector<std::vector<std::string>> names;
  for (const remote_proto::TimeSeries& series : request.timeseries()) {
    auto& of_series = names.emplace_back();
    for (const remote_proto::Label& label : series.labels()) of_series.push_back(label.name());
  }
  return names;
}

}  // namespace cloudmon::test
