// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/series_list.h"

#include <bit>
#include <utility>

namespace cloudmon::scrape {

struct SeriesList::Change {
  std::vector<Index> order;  // of this page so far
  std::vector<bool> taken;   // by index
  std::vector<Index> table;  // by hash, open addressing; kNone: free. At most half full.
};

SeriesList::SeriesList() = default;
SeriesList::~SeriesList() = default;

SeriesList::Index SeriesList::Find(const HeadHash& hash) {
  if (const Index expected = Expected(); expected != kNone && series_[expected].hash == hash) return expected;
  Differ();
  return SlotOf(hash);
}

SeriesList::Index SeriesList::Add(const CachedSeries& series) {
  Differ();
  const auto index = static_cast<Index>(series_.size());
  SlotOf(series.hash) = index;
  series_.push_back(series);
  change_->taken.push_back(false);
  if (2 * series_.size() > change_->table.size()) FillTable();
  return index;
}

bool SeriesList::Take(Index index) {
  if (index != expected_) Differ();
  if (change_) {
    if (change_->taken[index]) return false;
    change_->taken[index] = true;
    change_->order.push_back(index);
  }
  expected_ = index + 1;
  return true;
}

void SeriesList::EndPage() {
  if (change_) {
    std::vector<CachedSeries> kept;
    kept.reserve(change_->order.size());
    for (const Index index : change_->order) kept.push_back(series_[index]);
    series_ = std::move(kept);
    change_.reset();
  } else {
    series_.resize(expected_);
  }
  expected_ = 0;
}

// The page has been the last one's begin so far.
void SeriesList::Differ() {
  if (change_) return;
  change_ = std::make_unique<Change>();
  for (Index index = 0; index < expected_; ++index) change_->order.push_back(index);
  change_->taken.assign(series_.size(), false);
  std::fill_n(change_->taken.begin(), expected_, true);
  FillTable();
}

SeriesList::Index& SeriesList::SlotOf(const HeadHash& hash) {
  std::vector<Index>& table = change_->table;
  std::size_t at = hash[0];
  while (true) {
    Index& slot = table[at++ & (table.size() - 1)];
    if (slot == kNone || series_[slot].hash == hash) return slot;
  }
}

void SeriesList::FillTable() {
  constexpr std::size_t kLeast = 64;
  change_->table.assign(std::bit_ceil(4 * series_.size() + kLeast), kNone);
  for (Index index = 0; index < series_.size(); ++index) SlotOf(series_[index].hash) = index;
}

}  // namespace cloudmon::scrape
