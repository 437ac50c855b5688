// SPDX-License-Identifier: Apache-2.0
// Who an entry of an export file is, from its key and its own fields. Pure; one thread at a time for each object.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aggregator/series/model.h"
#include "common/result.h"

namespace cloudmon::exports {

class EntryIdentity {
 public:
  // `key`: as KeyOf() writes it. Error: kParse where a member of that kind cannot have that key.
  static Status CheckKey(series::Kind kind, std::string_view key);

  EntryIdentity(series::Kind kind, std::string_view key) : kind_(kind), key_(key) {}

  // Whether members of this kind have that field ("node", "namespace", "deployment", "pod").
  [[nodiscard]] bool Has(std::string_view field) const;
  // Error: kParse where it says something else than the key.
  Status Set(std::string_view field, std::string_view value);
  // The member. Error: kParse where the key and the fields do not suffice.
  [[nodiscard]] Result<series::Member> Finish() const;

 private:
  series::Kind kind_;
  std::string_view key_;
  series::Member fields_{};
};

}  // namespace cloudmon::exports
