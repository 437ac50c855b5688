// SPDX-License-Identifier: Apache-2.0
// The numbers of a column as bits, one after the other or as runs of zeros (docs/store_format.md). Pure; safe from any
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace cloudmon::store {

using Numbers = std::span<const std::uint64_t>;

// Whether they take fewer bits as runs.
[[nodiscard]] bool RunsAreShorter(Numbers numbers);
void AppendNumbers(std::string& out, Numbers numbers, bool as_runs);

}  // namespace cloudmon::store
