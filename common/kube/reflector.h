// SPDX-License-Identifier: Apache-2.0
// A list of Kubernetes objects that stays up to date: list, then watch
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes).
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/kube/api.h"
#include "common/result.h"

namespace cloudmon::kube {

// What is listed and watched.
struct Resource {
  std::string path;            // "/api/v1/pods", "/apis/discovery.k8s.io/v1/namespaces/monitoring/endpointslices"
  std::string field_selector;  // "spec.nodeName=node-a"; empty: none
  std::string label_selector;  // "app.kubernetes.io/name=x"; empty: none
};

// Keeps the objects. All calls come from the reflector's thread, one at a time; objects are as the server sent them,
// but for metadata.managedFields.
class Handler {
 public:
  virtual ~Handler() = default;
  // The list is complete: these are all objects, in place of all before.
  virtual void Replace(std::vector<nlohmann::json> objects) = 0;
  // One was added or changed.
  virtual void Apply(nlohmann::json object) = 0;
  // One is gone; `object` is its last state.
  virtual void Delete(const nlohmann::json& object) = 0;
};

struct ReflectorStats {
  bool listed = false;         // at least one list was complete
  bool watching = false;       // the last list or watch did not fail
  std::uint64_t lists = 0;     // complete ones
  std::uint64_t events = 0;    // bookmarks too
  std::uint64_t failures = 0;  // of lists and watches; a watch that the server ends in time is none
  Error last_error;            // of the last failure; says what to change (RBAC rule, token, CA, address)
};

// Lists in pages, the first time from what the server has in memory (a thousand exporters may start at once), then
// watches with bookmarks from the list's resourceVersion; lists again after 410 Gone and after an event that cannot be
// read; goes on from the last resourceVersion after a cut. Waits after failures as `Retry` says. A watch that the
// server does not end in time is cut. Logs when it begins to fail, for another reason, and when the server answers
// again. One thread of its own; Stats is thread-safe.
class Reflector {
 public:
  // `handler` and `clock` must outlive it. Error: kNotFound where libcurl cannot be loaded.
  static Result<std::unique_ptr<Reflector>> Start(Api api, Resource resource, Handler& handler, const Clock& clock);
  virtual ~Reflector() = default;  // ends within a second
  [[nodiscard]] virtual ReflectorStats Stats() const = 0;
};

// One GET of `path` with `accept` application/json, at most `max_bytes` and 5 s. Errors: kTimeout, kIo (cannot connect,
// TLS), kDenied (401, 403), kNotFound (404), kLimit, kGone (410), kParse (no JSON); each names the URL and what to
// change. Thread-safe.
Result<nlohmann::json> GetJson(const Api& api, std::string_view path, std::size_t max_bytes);

}  // namespace cloudmon::kube
