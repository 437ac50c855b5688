// SPDX-License-Identifier: Apache-2.0
// What a list and a watch ask, and what their answers say. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/kube/reflector.h"
#include "common/result.h"

namespace cloudmon::kube {

// A page is in memory as text and as JSON, some 30 KiB for each pod.
inline constexpr int kObjectsOfAPage = 100;

// Which state a list may show.
enum class ListOf : std::uint8_t {
  kNow,    // the newest: large clusters' API servers have to read all objects of the kind from their database for it
  kCached  // one that the server has in memory, which may be older; it may come in one page, however long
};

// The path and query of one page of the list; `continue_token` is empty for the first.
[[nodiscard]] std::string ListPath(const Resource& resource, ListOf state, std::string_view continue_token);

// The path and query of a watch from a list or event on, which the server ends after so many seconds.
[[nodiscard]] std::string WatchPath(const Resource& resource, std::string_view resource_version, int timeout_seconds);

struct ListPage {
  std::vector<nlohmann::json> objects;
  std::string resource_version;
  std::string continue_token;  // empty: this was the last
};

// One page. Objects come without metadata.managedFields, which are as long as all the rest. Error: kParse.
Result<ListPage> ParseListPage(std::string_view body);

enum class EventType : std::uint8_t { kApply, kDelete, kBookmark };

struct Event {
  EventType type = EventType::kApply;
  nlohmann::json object;         // without metadata.managedFields
  std::string resource_version;  // from which a next watch goes on
};

// One line of a watch. Errors: kParse; kGone where the server no longer knows what came after the resourceVersion (list
// again); kIo for what else it says.
Result<Event> ParseEvent(std::string_view line);

}  // namespace cloudmon::kube
