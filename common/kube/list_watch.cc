// SPDX-License-Identifier: Apache-2.0
#include "common/kube/list_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/kube/api_error.h"

namespace cloudmon::kube {
namespace {

using nlohmann::json;

// RFC 3986: all but the unreserved characters.
std::string Escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 0xFU]};
    }
  }
  return out;
}

std::string Selectors(const Resource& resource) {
  std::string out;
  if (!resource.field_selector.empty()) out += "&fieldSelector=" + Escape(resource.field_selector);
  if (!resource.label_selector.empty()) out += "&labelSelector=" + Escape(resource.label_selector);
  return out;
}

// The text at `key` of `object`; empty where there is none.
std::string TextAt(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const json& MetadataOf(const json& object) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto at = object.find("metadata");
  return at != object.end() && at->is_object() ? *at : kNone;
}

// A list's text, without building what would be dropped from each of its objects.
json ParseList(std::string_view text) {
  constexpr int kKeysOfMetadata = 4;  // below the list, its items, an object and its metadata
  const auto keep = [](int depth, json::parse_event_t event, json& parsed) {
    return event != json::parse_event_t::key || depth != kKeysOfMetadata || parsed != "managedFields";
  };
  return json::parse(text, keep, /*allow_exceptions=*/false);
}

void DropManagedFields(json& object) {
  if (object.is_object() && object.contains("metadata") && object["metadata"].is_object()) {
    object["metadata"].erase("managedFields");
  }
}

json Parse(std::string_view text) {
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string ListPath(const Resource& resource, ListOf state, std::string_view continue_token) {
  std::string path = resource.path + "?limit=" + std::to_string(kObjectsOfAPage) + Selectors(resource);
  if (!continue_token.empty()) {  // which says of what state, too
    path += "&continue=" + Escape(continue_token);
  } else if (state == ListOf::kCached) {
    path += "&resourceVersion=0";
  }
  return path;
}

std::string WatchPath(const Resource& resource, std::string_view resource_version, int timeout_seconds) {
  return resource.path + "?watch=1&allowWatchBookmarks=true&resourceVersion=" + Escape(resource_version) +
         "&timeoutSeconds=" + std::to_string(timeout_seconds) + Selectors(resource);
}

Result<ListPage> ParseListPage(std::string_view body) {
  json list = ParseList(body);
  ListPage page;
  page.resource_version = TextAt(MetadataOf(list), "resourceVersion");
  page.continue_token = TextAt(MetadataOf(list), "continue");
  if (page.resource_version.empty()) {
    return Error{ErrorCode::kParse, "the answer is no list of the Kubernetes API: it has no metadata.resourceVersion"};
  }
  const auto items = list.find("items");
  if (items == list.end() || items->is_null()) return page;
  if (!items->is_array()) return Error{ErrorCode::kParse, "the list's items are no array"};
  page.objects.reserve(items->size());
  std::ranges::move(*items, std::back_inserter(page.objects));
  return page;
}

Result<Event> ParseEvent(std::string_view line) {
  json message = Parse(line);
  const std::string type = TextAt(message, "type");
  const auto object = message.is_object() ? message.find("object") : message.end();
  if (type.empty() || object == message.end()) {
    return Error{ErrorCode::kParse, "a line of the watch is no event: " + Shortened(line)};
  }
  if (type == "ERROR") return StatusError(*object);
  Event event;
  event.object = std::move(*object);
  event.resource_version = TextAt(MetadataOf(event.object), "resourceVersion");
  if (type == "BOOKMARK") {
    event.type = EventType::kBookmark;
  } else if (type == "DELETED") {
    event.type = EventType::kDelete;
  } else if (type != "ADDED" && type != "MODIFIED") {
    return Error{ErrorCode::kParse, "an event of the watch has the unknown type " + Shortened(type)};
  }
  if (event.resource_version.empty()) {
    return Error{ErrorCode::kParse, "an event of the watch has no metadata.resourceVersion: " + Shortened(line)};
  }
  DropManagedFields(event.object);
  return event;
}

}  // namespace cloudmon::kube
