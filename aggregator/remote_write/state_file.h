// SPDX-License-Identifier: Apache-2.0
// Up to where all has been sent, kept over restarts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "common/result.h"

namespace cloudmon::remote_write {

struct State {
  std::int64_t sent_until_seconds = 0;     // the last bucket before which, itself included, all have been sent
  std::set<std::int64_t> amended_seconds;  // older buckets that changed since
  bool operator==(const State&) const = default;
};

// "remote_write.json" in a directory. One thread at a time.
class StateFile {
 public:
  explicit StateFile(std::string directory) : directory_(std::move(directory)) {}

  // Nullopt where there is none. Errors name the file: kParse where it is not as Save() writes it, else why it cannot
  // be read.
  [[nodiscard]] Result<std::optional<State>> Load() const;
  // Durable, or as it was before. Errors name the file.
  [[nodiscard]] Status Save(const State& state) const;

 private:
  const std::string directory_;
};

}  // namespace cloudmon::remote_write
