// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/request.h"

#include <google/protobuf/io/coded_stream.h>
#include <snappy.h>

#include <string_view>
#include <utility>

namespace cloudmon::remote_write {
namespace {

using google::protobuf::io::CodedOutputStream;

// Number of the field and how it is written, as protobuf has it.
constexpr std::uint8_t Tag(unsigned field, unsigned wire_type) {
  return static_cast<std::uint8_t>(field << 3U | wire_type);
}
constexpr unsigned kVarint = 0, kFixed64 = 1, kBytes = 2;
constexpr std::string_view kNameLabel = "__name__";

std::uint8_t* PutTag(std::uint8_t tag, std::uint8_t* to) {
  *to = tag;
  return to + 1;
}

void AppendHead(std::string& out, std::uint8_t tag, std::size_t size) {
  std::array<std::uint8_t, 11> head;
  std::uint8_t* const end = CodedOutputStream::WriteVarint64ToArray(size, PutTag(tag, head.data()));
  out.append(head.data(), end);
}

void AppendText(std::string& out, std::uint8_t tag, std::string_view text) {
  AppendHead(out, tag, text.size());
  out.append(text);
}

void AppendLabel(std::string& out, std::string_view name, std::string_view value) {
  std::string label;
  AppendText(label, Tag(1, kBytes), name);
  AppendText(label, Tag(2, kBytes), value);
  AppendText(out, Tag(1, kBytes), label);
}

}  // namespace

RequestWriter::RequestWriter(const Labels& external) : external_(external) {
  for (const series::MetricKind& kind : series::kMetricKinds) {
    Names& names = names_[static_cast<std::size_t>(kind.kind)];
    for (std::size_t i = 0; i < names.size(); ++i) {
      AppendLabel(names[i], kNameLabel, series::MetricName(kind, series::kMetricFields[i]));
    }
  }
}

void RequestWriter::SetMember(const series::Member& member) {
  member_names_ = &names_[static_cast<std::size_t>(member.kind)];
  before_name_.clear();
  after_name_.clear();
  for (const auto& [name, value] : LabelsOf(member, external_)) {
    AppendLabel(name < kNameLabel ? before_name_ : after_name_, name, value);
  }
}

void RequestWriter::Add(std::size_t field, double value, std::int64_t time_ms) {
  std::array<std::uint8_t, 20> sample;
  std::uint8_t* end = PutTag(Tag(1, kFixed64), sample.data());
  end = CodedOutputStream::WriteLittleEndian64ToArray(std::bit_cast<std::uint64_t>(value), end);
  end = PutTag(Tag(2, kVarint), end);
  end = CodedOutputStream::WriteVarint64ToArray(static_cast<std::uint64_t>(time_ms), end);
  const auto sample_bytes = static_cast<std::size_t>(end - sample.data());

  const std::string& name = (*member_names_)[field];
  constexpr std::size_t kSampleHead = 2;  // its length is less than 128
  AppendHead(bytes_, Tag(1, kBytes),
             before_name_.size() + name.size() + after_name_.size() + kSampleHead + sample_bytes);
  bytes_.append(before_name_).append(name).append(after_name_);
  AppendHead(bytes_, Tag(2, kBytes), sample_bytes);
  bytes_.append(sample.data(), end);
  ++samples_;
}

Request RequestWriter::Finish() {
  Request request;
  snappy::Compress(bytes_.data(), bytes_.size(), &request.body);
  request.body.shrink_to_fit();
  request.samples = std::exchange(samples_, 0);
  bytes_.clear();
  return request;
}

}  // namespace cloudmon::remote_write
