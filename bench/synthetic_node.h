// SPDX-License-Identifier: Apache-2.0
// A node that does not exist, for benchmarks: its pods' values move as real ones do, and its page has our exporter's
// names.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace cloudmon::bench {

// Half of the pods are idle, a third work steadily, the rest in bursts. Pod i of the cluster (node * pods + its place)
// belongs to deployment i % D, D = a twentieth of all pods, at least 1, and that to namespace d % min(20, D).
class SyntheticNode {
 public:
  // The node's number among `nodes` with `pods` each. The same arguments give the same values at the same second.
  SyntheticNode(int number, int nodes, int pods, std::uint64_t seed);

  // The page, `seconds` after the start; earlier than a page before gives that one's values. One thread at a time.
  [[nodiscard]] std::string Page(std::int64_t seconds);

 private:
  enum class Habit : std::uint8_t { kIdle, kSteady, kBursty };
  struct Pod {
    std::string labels;            // as all series of a pod have them
    std::string container_labels;  // and those of its container
    std::string info_labels;
    Habit habit = Habit::kIdle;
    bool in_burst = false;
    std::uint64_t cpu_usec = 0, memory_pages = 0, cache_pages = 0, read_bytes = 0, written_bytes = 0, rx_bytes = 0,
                  tx_bytes = 0;
  };

  void AddPod(int index, int deployments);
  void Step();
  void Work(Pod& pod, std::uint64_t cpu_usec, std::uint64_t packets);
  void WalkMemory(Pod& pod, std::uint64_t most_pages);
  [[nodiscard]] std::uint64_t Below(std::uint64_t limit) { return random_() % limit; }

  std::string node_labels_;
  std::mt19937_64 random_;
  std::vector<Pod> pods_;
  std::int64_t second_ = 0;
};

}  // namespace cloudmon::bench
