// SPDX-License-Identifier: Apache-2.0
// Whatever pages a reader has seen before, it reads the next one as one that sees its first page.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/scrape/page_reader.h"

namespace cloudmon::scrape {
namespace {

using exposition::Format;

std::string Number(const std::optional<std::uint64_t>& value) {
  return value ? std::to_string(*value) + " " : "- ";
}

std::string Show(const series::Usage& usage) {
  return Number(usage.cpu_usage_usec) + Number(usage.memory_bytes) + Number(usage.disk_read_bytes) +
         Number(usage.network_rx_bytes);
}

// Pods and containers in the order of their names: that of their first sight says nothing.
std::vector<std::string> Show(const PageReading& page) {
  std::vector<std::string> out;
  for (const series::PodReading& pod : page.reading.pods) {
    const series::PodKey& key = *pod.key;
    std::vector<std::string> containers;
    for (const auto& item : pod.containers) containers.push_back(item.container + " " + Show(item.usage));
    std::ranges::sort(containers);
    std::string text = Show(pod.usage);
    for (const std::string_view part : {key.ns, key.pod, key.deployment, key.uid}) text += std::string(part) + " ";
    for (const std::string& container : containers) text += "[" + container + "]";
    out.push_back(text + std::to_string(pod.start_time_seconds.value_or(-1)));
  }
  std::ranges::sort(out);
  out.push_back(page.reading.node + Show(page.reading.node_reading.usage) +
                Number(page.reading.node_reading.cpu_capacity_millicores));
  out.push_back(std::to_string(page.report.samples) + " samples, rejected " +
                std::to_string(page.report.rejected_lines));
  return out;
}

class Pages {
 public:
  explicit Pages(unsigned seed) : random_(seed) {
    for (int i = 0; i < 60; ++i) lines_.push_back(Head());
  }

  // The next one: mostly the same series in the same order.
  std::string Next() {
    if (Upto(2) == 0) Change();
    std::string body;
    for (const std::string& head : lines_) body += head + " " + Value() + "\n";
    return body;
  }

 private:
  int Upto(int most) { return std::uniform_int_distribution<>(0, most)(random_); }

  std::string Value() { return Upto(50) == 0 ? "x" : std::to_string(Upto(1000)); }

  // No two instances of a container: which one counts depends on which was seen first.
  std::string Head() {
    const std::string n = std::to_string(Upto(12));
    const std::string pod = "namespace=\"n\",pod=\"p" + n + "\"";
    switch (Upto(8)) {
      case 0:
        return "pod_cpu_usage_seconds_total{" + pod + "}";
      case 1:
        return "container_memory_usage_bytes{" + pod + ",container=\"c" + std::to_string(Upto(2)) + "\",id=\"/c\"}";
      case 2:
        return "container_network_receive_bytes_total{" + pod + ",interface=\"eth" + std::to_string(Upto(1)) + "\"}";
      case 3:
        return "cloudmon_pod_info{" + pod + ",deployment=\"d\",pod_uid=\"u" + n + "\"}";
      case 4:
        return "container_start_time_seconds{" + pod + ",container=\"c0\",id=\"/c\"}";
      case 5:
        return "node_cpu_seconds_total{cpu=\"" + n + "\",mode=\"user\"}";
      case 6:
        return "container_fs_reads_bytes_total{" + pod + ",container=\"c1\",id=\"/c\",device=\"" + n + "\"}";
      case 7:
        return Upto(1) == 0 ? "unused{" + pod + "}" : "cloudmon_node_info{node=\"node-1\"}";
      default:
        return Upto(1) == 0 ? "# comment" : "pod_memory_usage_bytes{" + pod + ",pod=\"twice\"}";
    }
  }

  void Change() {
    const auto place = [&] { return lines_.begin() + Upto(static_cast<int>(lines_.size()) - 1); };
    switch (Upto(6)) {
      case 0:
        std::shuffle(lines_.begin(), lines_.end(), random_);
        break;
      case 1:
        std::swap(*place(), *place());
        break;
      case 2:
        if (lines_.size() > 5) lines_.erase(place());
        break;
      case 3:
        lines_.insert(place(), *place());  // perhaps twice on the page
        break;
      case 4:
        for (int i = 0; i < 20; ++i) lines_.insert(place(), Head());
        break;
      case 5:
        if (lines_.size() > 100) lines_.resize(40);
        break;
      default:
        *place() = Head();
    }
  }

  std::mt19937 random_;
  std::vector<std::string> lines_;
};

}  // namespace

TEST_CASE("page: a reader that has seen other pages reads the same") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    Pages pages(seed);
    PageReader reader;
    for (int i = 0; i < 60; ++i) {
      CAPTURE(i);
      const std::string body = pages.Next();
      REQUIRE(Show(reader.Read(body, Format::kText, {})) == Show(PageReader().Read(body, Format::kText, {})));
    }
  }
}

}  // namespace cloudmon::scrape
