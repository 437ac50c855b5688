// SPDX-License-Identifier: Apache-2.0
#include "common/token_file.h"

#include <algorithm>

#include "common/file.h"
#include "common/text.h"

namespace cloudmon {

namespace {
constexpr std::size_t kMaxFileBytes = 64U << 10U;
}

Result<std::string> ReadTokenFile(const std::string& path) {
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

Result<std::string> ReadPasswordFile(const std::string& path) {
  const auto content = ReadFile(path, kMaxFileBytes);
  if (!content.ok()) return content.error();
  std::string_view rest = content.value();
  std::string_view password = text::CutLine(rest);
  if (password.ends_with('\r')) password.remove_suffix(1);
  if (password.empty() || password.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalid, path + ": expected a password in the first line"};
  }
  return std::string(password);
}

}  // namespace cloudmon
