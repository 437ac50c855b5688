// SPDX-License-Identifier: Apache-2.0
// Members (who), fields (what), points (one bucket of one member). Pure data; safe to share between threads once built.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudmon::series {

enum class Kind : std::uint8_t { kNode, kPod, kNamespace, kDeployment, kCluster };
inline constexpr std::size_t kKindCount = 5;
// "node", "pod", "namespace", "deployment", "cluster".
[[nodiscard]] std::string_view KindName(Kind kind);

// A member's identity: what does not apply to its kind is empty. A pod has node, ns, pod and perhaps deployment; a
// deployment ns and deployment; a namespace ns; a node node; the cluster nothing.
struct Member {
  Kind kind = Kind::kCluster;
  std::string node, ns, deployment, pod;
  auto operator<=>(const Member&) const = default;
};
using MemberPtr = std::shared_ptr<const Member>;

enum class Field : std::uint8_t {
  kCpuMillicores,
  kCpuUsageUsec,
  kMemoryBytes,
  kMemoryWorkingSetBytes,
  kDiskReadBytes,
  kDiskWriteBytes,
  kNetworkRxBytes,
  kNetworkTxBytes,
  kDiskReadRate,
  kDiskWriteRate,
  kNetworkRxRate,
  kNetworkTxRate,
  kPods,
  kNodes,
  kNodesMissing,
  kCpuCapacityMillicores,
  kMemoryCapacityBytes,
};
inline constexpr std::size_t kFieldCount = 17;

// How `step` combines buckets: gauges and rates are averaged, totals are the last.
enum class FieldClass : std::uint8_t { kGauge, kTotal, kRate };

struct FieldInfo {
  Field field;
  std::string_view name;  // in JSON: "disk_read_bytes_per_second"
  FieldClass field_class;
};
// In the order in which entries show them. Rates are kept as tenths of bytes a second and shown with one decimal.
extern const std::array<FieldInfo, kFieldCount> kFields;
inline constexpr std::int64_t kRateScale = 10;
[[nodiscard]] const FieldInfo& InfoOf(Field field);
[[nodiscard]] std::optional<Field> FieldByName(std::string_view name);

using FieldMask = std::uint32_t;  // bit i: kFields[i]
inline constexpr FieldMask kAllFields = (FieldMask{1} << kFieldCount) - 1;
[[nodiscard]] constexpr FieldMask MaskOf(Field field) {
  return FieldMask{1} << static_cast<unsigned>(field);
}

// The values of one member in one bucket. A value that is not known is not set.
class Point {
 public:
  [[nodiscard]] bool Has(Field f) const { return (mask_ >> Index(f) & 1U) != 0; }
  [[nodiscard]] std::int64_t Get(Field f) const { return values_[Index(f)]; }  // 0 where not set
  void Set(Field f, std::int64_t value) {
    mask_ |= 1U << Index(f);
    values_[Index(f)] = value;
  }
  void Add(Field f, std::int64_t value) { Set(f, Get(f) + value); }
  void Clear(Field f) {
    mask_ &= ~(1U << Index(f));
    values_[Index(f)] = 0;
  }
  [[nodiscard]] bool empty() const { return mask_ == 0; }
  bool operator==(const Point&) const = default;

 private:
  static constexpr std::size_t Index(Field f) { return static_cast<std::size_t>(f); }
  std::uint32_t mask_ = 0;
  std::array<std::int64_t, kFieldCount> values_{};
};

struct Entry {
  MemberPtr member;
  Point point;
};

// A sealed bucket [time, time + width): one entry for each member that reported.
struct Bucket {
  std::int64_t time_seconds = 0;  // a multiple of the width
  std::vector<Entry> entries;
};

}  // namespace cloudmon::series
