// SPDX-License-Identifier: Apache-2.0
#include "aggregator/remote_write/labels.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "common/utf8.h"

namespace cloudmon::remote_write {
namespace {

bool ByName(const Labels::value_type& a, const Labels::value_type& b) {
  return a.first < b.first;
}

// Names that begin with two underscores are Prometheus' own.
bool IsName(std::string_view text) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view kOthers = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
  return !text.empty() && kLetters.find(text.front()) != text.npos && text.find_first_not_of(kOthers) == text.npos &&
         !text.starts_with("__");
}

}  // namespace

Result<Labels> ParseLabels(const std::vector<std::string>& texts) {
  Labels labels;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const bool is_label = equals != std::string::npos && equals + 1 < text.size() && IsName(text.substr(0, equals));
    if (!is_label) {
      return Error{ErrorCode::kInvalid, "expected NAME=VALUE such as cluster=eu-1, got '" + SanitizeUtf8(text) + "'"};
    }
    labels.emplace_back(text.substr(0, equals), SanitizeUtf8(text.substr(equals + 1)));
  }
  std::sort(labels.begin(), labels.end(), ByName);
  const auto twice =
      std::adjacent_find(labels.begin(), labels.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice == labels.end()) return labels;
  return Error{ErrorCode::kInvalid, "'" + twice->first + "' is there twice"};
}

Labels LabelsOf(const series::Member& member, const Labels& external) {
  Labels own = {
      {"deployment", member.deployment}, {"namespace", member.ns}, {"node", member.node}, {"pod", member.pod}};
  std::erase_if(own, [](const auto& label) { return label.second.empty(); });
  Labels all;
  std::set_union(own.begin(), own.end(), external.begin(), external.end(), std::back_inserter(all), ByName);
  return all;
}

}  // namespace cloudmon::remote_write
