// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/identity/identity.h"

namespace cloudmon::test {

// Says what it is told to say.
class FakeSource final : public identity::Source {
 public:
  explicit FakeSource(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  Result<std::vector<identity::PodIdentity>> Fetch() override {
    ++fetches;
    if (error) return *error;
    return pods;
  }
  [[nodiscard]] std::uint64_t version() const override { return news; }
  [[nodiscard]] bool current() const override { return is_current; }
  [[nodiscard]] std::string container_runtime() const override { return runtime; }

  std::vector<identity::PodIdentity> pods;
  std::optional<Error> error;
  std::string runtime;
  std::uint64_t news = 0;  // the version
  bool is_current = true;
  int fetches = 0;

 private:
  std::string name_;
};

}  // namespace cloudmon::test
