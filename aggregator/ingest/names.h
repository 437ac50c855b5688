// SPDX-License-Identifier: Apache-2.0
// The names that a document may use, and where what they name goes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "aggregator/series/reading.h"

namespace cloudmon::ingest {

// The objects and arrays of a document.
enum class Place : std::uint8_t {
  kDocument,
  kNodeData,
  kPods,
  kPod,
  kNamespaces,
  kNamespace,
  kDeployments,
  kDeployment,
  kIoStats,
};

// What is read of an object, whichever it is.
struct Fields {
  std::optional<double> timestamp, start_time_seconds;
  std::string node, ns, pod, deployment, uid;
  series::NodeReading values;
};

// A text, a number with a fraction, a value, or another object or array.
using Slot =
    std::variant<std::string Fields::*, std::optional<double> Fields::*, std::optional<std::uint64_t> series::Usage::*,
                 std::optional<std::uint64_t> series::NodeReading::*, Place>;

struct KnownName {
  std::string_view name;
  std::uint32_t places;  // one bit for each Place that has it
  Slot slot;
};

inline constexpr std::size_t kKnownNameCount = 22;
extern const std::array<KnownName, kKnownNameCount> kKnownNames;

// nullptr: `place` has no such name.
[[nodiscard]] const KnownName* FindName(Place place, std::string_view name);

// Where `name` looks like a value with an unknown unit ("memory_mb"): the known ones of that quantity there, "known are
// memory_bytes, memory_working_set_bytes". Empty for any other name.
[[nodiscard]] std::string KnownUnits(Place place, std::string_view name);

}  // namespace cloudmon::ingest
