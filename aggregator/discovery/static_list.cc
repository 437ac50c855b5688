// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/static_list.h"

#include <utility>

namespace cloudmon::discovery {
namespace {

class StaticList final : public Discovery {
 public:
  explicit StaticList(std::vector<Target> targets) : targets_(std::move(targets)) {}
  std::vector<Target> Targets() override { return targets_; }

 private:
  const std::vector<Target> targets_;
};

}  // namespace

Result<std::unique_ptr<Discovery>> MakeStaticList(const std::vector<std::string>& targets) {
  std::vector<Target> parsed;
  for (const std::string& text : targets) {
    auto target = ParseTarget(text, "static");
    if (!target.ok()) return target.error();
    parsed.push_back(std::move(target).value());
  }
  return std::unique_ptr<Discovery>(std::make_unique<StaticList>(std::move(parsed)));
}

}  // namespace cloudmon::discovery
