// SPDX-License-Identifier: Apache-2.0
// Turns readings into buckets: increases with resets, rates over the real time between two scrapes, rollups
// pod -> deployment, namespace, cluster. Pure: no clock, no I/O. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/series/amendment.h"
#include "aggregator/series/model.h"
#include "aggregator/series/reading.h"

namespace cloudmon::series {

class Bucketer {
 public:
  explicit Bucketer(std::int64_t interval_seconds);
  ~Bucketer();

  // Goes on from what was stored before a restart: the last entry of each member and its bucket, and of a node or a
  // rollup those before it with totals that it does not have; any order. Totals continue, and a counter's increase over
  // the restart is counted.
  void Restore(const std::vector<std::pair<std::int64_t, Entry>>& last_entries);

  // The newest bucket that was given to Restore().
  [[nodiscard]] std::optional<std::int64_t> NewestRestored() const;

  // Takes a node's reading into the open bucket that starts at `bucket_seconds`. Buckets may be open side by side (a
  // slow target), but are sealed in order. `node` is the resolved node name. A second reading of the same node in a
  // bucket replaces nothing and is ignored (the caller refuses it earlier, by node name).
  void Add(const std::string& node, std::int64_t bucket_seconds, std::int64_t scraped_at_ms,
           const TargetReading& reading);

  // Keeps a pushed reading for an open bucket until that is sealed. A second one of the same node and bucket replaces
  // the first, as if only it had come. Ignored at last where Add() had the node in that bucket.
  void Push(const std::string& node, std::int64_t bucket_seconds, std::int64_t measured_at_ms, TargetReading reading);

  // Takes a pushed reading of a bucket that is sealed, or will never be. `was_missing`: that bucket's `nodes_missing`
  // counted the node. What it changes there waits in TakeAmendments(); increases are in the rollups' running totals at
  // once. Returns how many entries wait.
  std::size_t PushLate(const std::string& node, std::int64_t bucket_seconds, std::int64_t measured_at_ms,
                       const TargetReading& reading, bool was_missing);

  // What is to be changed in sealed buckets, by their start, in the order in which it came.
  [[nodiscard]] std::map<std::int64_t, std::vector<Amendment>> TakeAmendments();

  // Ends the bucket: its nodes, pods, and their rollups. `nodes_missing`: targets that should have reported and did
  // not. A bucket without readings gives only the cluster's entry with nodes 0. Older open buckets must be sealed
  // first.
  Bucket Seal(std::int64_t bucket_seconds, std::size_t nodes_missing);

  // What is remembered between buckets, of members that are there and that have ended. Bounded: see nodes.h, rollup.h.
  struct Remembered {
    std::size_t nodes = 0, pods = 0, groups = 0;
  };
  [[nodiscard]] Remembered remembered() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloudmon::series
