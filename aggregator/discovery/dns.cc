// SPDX-License-Identifier: Apache-2.0
#include "aggregator/discovery/dns.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "aggregator/discovery/dns_resolver.h"
#include "aggregator/discovery/found_targets.h"

namespace cloudmon::discovery {
namespace {

using std::chrono::milliseconds;

class Dns final : public Discovery {
 public:
  Dns(DnsName name, milliseconds interval)
      : name_(std::move(name)), interval_(std::min(interval, milliseconds(30'000))), thread_([this] { Run(); }) {}
  Dns(const Dns&) = delete;
  Dns& operator=(const Dns&) = delete;
  ~Dns() override {
    resolver_.Stop();
    thread_.join();
  }

  std::vector<Target> Targets() override { return found_.Targets(); }
  [[nodiscard]] bool Changed() const override { return found_.Changed(); }

 private:
  void Run() {
    do {
      try {
        LookUp();
      } catch (const std::exception& e) {
        Warn(e.what());
      }
    } while (resolver_.Sleep(interval_));
  }

  void LookUp() {
    auto endpoints = resolver_.LookUp(name_);
    auto targets = endpoints.ok() ? TargetsOf(name_, std::move(endpoints).value()) : endpoints.error();
    if (!targets.ok()) {
      if (targets.error().code != ErrorCode::kGone) Warn(targets.error().message);
      return;
    }
    const std::size_t count = targets.value().size();
    found_.Set(std::move(targets).value());
    if (is_first_ || !problem_.empty() || found_.Changed())
      spdlog::info("scrape.dns: {}: {} targets", name_.text, count);
    is_first_ = false;
    problem_.clear();
  }

  void Warn(const std::string& problem) {
    if (problem == problem_) return;
    spdlog::warn("scrape.dns: {}: {}; its last {} targets stay", name_.text, problem, found_.size());
    problem_ = problem;
  }

  const DnsName name_;
  const milliseconds interval_;
  DnsResolver resolver_;
  FoundTargets found_;
  bool is_first_ = true;  // of the thread, as problem_
  std::string problem_;   // of the last look-up; empty: it worked
  std::thread thread_;    // last: uses all of the above
};

}  // namespace

std::unique_ptr<Discovery> MakeDns(DnsName name, milliseconds interval) {
  return std::make_unique<Dns>(std::move(name), interval);
}

}  // namespace cloudmon::discovery
