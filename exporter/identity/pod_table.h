// SPDX-License-Identifier: Apache-2.0
// What several sources say about the node's pods, as one table. Pure data: immutable once built, so safe to share.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/identity/identity.h"

namespace cloudmon::identity {

// One source's pods; `source` is its place in the order of preference, 0 first.
struct Answer {
  std::size_t source = 0;
  std::vector<PodIdentity> pods;
};

// Fills what `pod` lacks from `other`, which is the same pod from a less preferred source. The workload is taken whole
// or not at all. Containers are the same when their IDs are, or, where one side has no ID, when their names are.
void FillGaps(PodIdentity& pod, const PodIdentity& other);

class PodTable {
 public:
  struct Row {
    PodIdentity pod;
    std::size_t source = 0;  // the most preferred source that lists the pod
  };

  PodTable() = default;
  // `answers` in the order of preference. Two pods are the same when their UIDs are, or when one's UID is the other's
  // config hash (a static pod: the API gives it another UID than its cgroup has).
  explicit PodTable(const std::vector<Answer>& answers);
  PodTable(const PodTable&) = delete;
  PodTable& operator=(const PodTable&) = delete;

  // nullptr when no source lists it. `uid` is the pod's UID or its config hash.
  [[nodiscard]] const Row* FindPod(std::string_view uid) const;
  // By the ID of one of the pod's containers or of its sandbox.
  [[nodiscard]] const Row* FindContainer(std::string_view id) const;

 private:
  using Index = std::unordered_map<std::string_view, std::size_t>;  // keys point into rows_; values are places there

  [[nodiscard]] const Row* Find(const Index& index, std::string_view key) const;
  void BuildIndexes();

  std::vector<Row> rows_;
  Index by_uid_, by_container_;
};

}  // namespace cloudmon::identity
