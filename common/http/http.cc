// SPDX-License-Identifier: Apache-2.0
#include "common/http/http.h"

#include <strings.h>

#include <cstddef>
#include <nlohmann/json.hpp>

#include "common/text.h"
#include "common/utf8.h"

namespace cloudmon::http {
namespace {

// The value of a hexadecimal digit, or -1.
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

Result<std::string> DecodeQueryPart(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  auto decoded = PercentDecode(spaced);
  if (!decoded.ok()) return decoded;
  return SanitizeUtf8(decoded.value());
}

}  // namespace

std::string_view Request::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (SameName(key, name)) return value;
  }
  return {};
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Error{ErrorCode::kParse, "bad percent escape '" + std::string(text.substr(i, 3)) +
                                          "': expected % and two hexadecimal digits"};
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<std::vector<std::pair<std::string, std::string>>> ParseQueryString(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!query.empty()) {
    std::string_view value = text::Cut(query, '&');
    if (value.empty()) continue;
    const std::string_view name = text::Cut(value, '=');
    auto decoded_name = DecodeQueryPart(name);
    if (!decoded_name.ok()) return decoded_name.error();
    auto decoded_value = DecodeQueryPart(value);
    if (!decoded_value.ok()) return Wrap(decoded_value.error(), decoded_name.value());
    pairs.emplace_back(std::move(decoded_name).value(), std::move(decoded_value).value());
  }
  return pairs;
}

Response JsonError(int status, std::string_view code, std::string_view message) {
  const nlohmann::json document = {{"error", {{"code", SanitizeUtf8(code)}, {"message", SanitizeUtf8(message)}}}};
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = document.dump() + "\n";
  return response;
}

}  // namespace cloudmon::http
