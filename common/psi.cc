// SPDX-License-Identifier: Apache-2.0
#include "common/psi.h"

#include <string>

#include "common/text.h"

namespace cloudmon::psi {

Result<Pressure> ParsePressure(std::string_view text) {
  constexpr std::string_view kTotal = "total=";
  Pressure pressure;
  while (!text.empty()) {
    std::string_view line = text::CutLine(text);
    const std::string_view kind = text::CutToken(line);
    std::optional<std::uint64_t>* field = kind == "some"   ? &pressure.some_total_usec
                                          : kind == "full" ? &pressure.full_total_usec
                                                           : nullptr;
    if (field == nullptr) continue;  // a newer kernel's line
    for (auto token = text::CutToken(line); !token.empty(); token = text::CutToken(line)) {
      if (!token.starts_with(kTotal)) continue;
      const auto total = text::ParseU64(token.substr(kTotal.size()));
      if (!total.ok()) return Wrap(total.error(), std::string(kind) + " total");
      *field = total.value();
    }
  }
  return pressure;
}

}  // namespace cloudmon::psi
