// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discoveries.h"

#include <functional>
#include <utility>

#include "aggregator/discovery/dns.h"
#include "aggregator/discovery/file_sd.h"
#include "aggregator/discovery/static_list.h"

namespace cloudmon {
namespace {

using Single = Result<std::unique_ptr<discovery::Discovery>>;

// One discovery that is asked for, and the settings that make it what it is.
struct Wanted {
  std::vector<std::string> settings;
  std::function<Single()> make;
};

std::vector<Wanted> WantedOf(const AggregatorConfig& config) {
  std::vector<Wanted> wanted;
  if (!config.scrape_targets.empty()) {
    wanted.push_back({config.scrape_targets, [&] { return discovery::MakeStaticList(config.scrape_targets); }});
    wanted.back().settings.emplace_back("scrape.targets");
  }
  if (!config.scrape_file_sd.empty()) {
    wanted.push_back({{config.scrape_file_sd, "scrape.file-sd"},
                      [&]() -> Single { return discovery::MakeFileSd(config.scrape_file_sd); }});
  }
  for (const std::string& name : config.scrape_dns) {
    wanted.push_back({{name, "scrape.dns"}, [&]() -> Single {
                        return discovery::MakeDns(discovery::ParseDnsName(name).value(), config.scrape_interval);
                      }});
  }
  return wanted;
}

}  // namespace

Result<discovery::Discoveries> DiscoveryMaker::Make(const AggregatorConfig& config) {
  Made made;
  discovery::Discoveries all;
  for (const Wanted& wanted : WantedOf(config)) {
    std::shared_ptr<discovery::Discovery>& one = made[wanted.settings];
    if (one != nullptr) continue;  // the same name twice
    if (const auto known = made_.find(wanted.settings); known != made_.end()) {
      one = known->second;
    } else {
      auto fresh = wanted.make();
      if (!fresh.ok()) return fresh.error();
      one = std::move(fresh).value();
    }
    all.push_back(one);
  }
  made_ = std::move(made);
  return all;
}

}  // namespace cloudmon
