// SPDX-License-Identifier: Apache-2.0
#include "common/token_file.h"

#include <algorithm>

#include "common/file.h"
#include "common/text.h"

namespace cloudmon {

Result<std::string> ReadTokenFile(const std::string& path) {
  constexpr std::size_t kMaxFileBytes = 64U << 10U;
  const auto content = ReadFile(path, kMaxFileBytes);
  if (!content.ok()) return content.error();
  std::string_view rest = content.value();
  const std::string_view token = text::Trim(text::CutLine(rest));
  // Anything else would break the header that it goes into.
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c < 0x7f; });
  if (token.empty() || !printable) {
    return Error{ErrorCode::kInvalid, path + ": expected a token in the first line"};
  }
  return std::string(token);
}

}  // namespace cloudmon
