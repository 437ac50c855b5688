// SPDX-License-Identifier: Apache-2.0
#include "aggregator/ingest/document.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "aggregator/ingest/reader.h"

namespace cloudmon::ingest {
namespace {

auto NamesOf(const series::PodReading& pod) {
  return std::tie(pod.key->ns, pod.key->pod);
}
auto NamesOf(const series::GroupReading& group) {
  return std::tie(group.ns, group.deployment);
}

// The places of two entries with the same names, the first of them first.
template <class Entry>
std::optional<std::pair<std::size_t, std::size_t>> FindTwice(const std::vector<Entry>& entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return NamesOf(entries[a]) < NamesOf(entries[b]); });
  const auto twice = std::adjacent_find(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return NamesOf(entries[a]) == NamesOf(entries[b]);
  });
  if (twice == order.end()) return std::nullopt;
  return std::pair(twice[0], twice[1]);
}

// The groups are the entries of both arrays, one after the other.
std::string GroupPointer(const std::vector<series::GroupReading>& groups, std::size_t index) {
  const bool is_namespace = groups[index].deployment.empty();
  const auto before = std::count_if(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(index),
                                    [&](const auto& group) { return group.deployment.empty() == is_namespace; });
  return (is_namespace ? "/namespaces/" : "/deployments/") + std::to_string(before);
}

Error Twice(const std::string& second, const std::string& first) {
  return {ErrorCode::kParse, second + ": the same names as " + first};
}

}  // namespace

Result<Document> ParseDocument(std::string_view body) {
  // The parser takes a zero byte for the end of the text.
  if (const std::size_t zero = body.find('\0'); zero != std::string_view::npos) {
    return Error{ErrorCode::kParse, TextPlace(body, zero + 1) + "not JSON: a zero byte"};
  }
  Reader reader(body);
  (void)nlohmann::json::sax_parse(body, &reader);  // the reader knows
  auto document = reader.Finish();
  if (!document.ok()) return document;
  const auto& pods = document.value().reading.pods;
  if (const auto twice = FindTwice(pods)) {
    return Twice("/pods/" + std::to_string(twice->second), "/pods/" + std::to_string(twice->first));
  }
  const auto& groups = document.value().reading.groups;
  if (const auto twice = FindTwice(groups)) {
    return Twice(GroupPointer(groups, twice->second), GroupPointer(groups, twice->first));
  }
  return document;
}

}  // namespace cloudmon::ingest
