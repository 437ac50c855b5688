// SPDX-License-Identifier: Apache-2.0
// The sources of names in their order, which of them answer, and what is counted about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/identity/identity.h"
#include "exporter/identity/pod_table.h"

namespace cloudmon::identity {

// When to try again what has failed so far: at once, then after 1 s, 2 s, 4 s ... and from there each 30 s.
class Backoff {
 public:
  [[nodiscard]] bool Due(std::int64_t now_ms) const { return now_ms >= next_ms_; }
  // It was tried at `now_ms` and failed. Tries before it was due do not make the wait longer.
  void Failed(std::int64_t now_ms);
  void Reset() { *this = {}; }

 private:
  static constexpr std::int64_t kFirstMs = 1'000;
  static constexpr std::int64_t kLastMs = 30'000;
  std::int64_t delay_ms_ = 0;
  std::int64_t next_ms_ = INT64_MIN;
};

struct Message {
  bool warning = false;
  std::string text;
};

struct SourceStats {
  std::string source;
  bool up = false;                                           // the last Fetch succeeded, and the source is current
  std::uint64_t refreshes = 0;                               // calls of Fetch
  std::map<std::string, std::uint64_t, std::less<>> errors;  // by ErrorCodeName
};

// Not thread-safe.
class SourceSet {
 public:
  explicit SourceSet(std::vector<std::unique_ptr<Source>> sources);

  // Whether Ask would learn something without there being anything unknown: a source was never asked, failed long
  // enough ago, or has something new.
  [[nodiscard]] bool Due(std::int64_t now_ms) const;

  // Asks every source but those that failed a short while ago and have nothing new since. The answers are in the order
  // of preference. Appends to `messages` when a source starts to answer, stops, or fails for another reason than
  // before.
  std::vector<Answer> Ask(std::int64_t now_ms, std::vector<Message>& messages);

  // The most preferred source whose last try succeeded; nullopt when there is none.
  [[nodiscard]] std::optional<std::size_t> Best() const;

  [[nodiscard]] std::vector<SourceStats> Stats() const;
  [[nodiscard]] std::string container_runtime() const;

 private:
  struct Entry {
    std::unique_ptr<Source> source;
    SourceStats stats;
    std::uint64_t version = 0;  // of what was asked for last
    Backoff retry;
    std::string last_reason;  // ErrorCodeName of the last failure; empty while it is up
  };

  [[nodiscard]] static bool HasNews(const Entry& entry) { return entry.source->version() != entry.version; }
  static void NoteSuccess(Entry& entry, std::size_t pods, std::vector<Message>& messages);
  static void NoteFailure(Entry& entry, const Error& error, std::int64_t now_ms, std::vector<Message>& messages);

  std::vector<Entry> entries_;
};

}  // namespace cloudmon::identity
