// SPDX-License-Identifier: Apache-2.0
// The series of a target's last page, in its order. Pages keep their order, so that most series are the one expected;
// a table to find the others by is made only for a page that differs. Pure. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "aggregator/scrape/head_hash.h"
#include "aggregator/scrape/series_role.h"

namespace cloudmon::scrape {

// A head and what to do with its value. The indexes are those of PageCache.
struct CachedSeries {
  HeadHash hash{};
  std::uint32_t owner = 0;  // kPod, kPodInfo: the pod; kContainer: the instance; kNodeCpu: the cpu; kNodeInfo: the name
  std::uint32_t identity = 0;    // kPod, kPodInfo, kContainer
  std::uint16_t head_bytes = 0;  // 0: more than fit
  Scope scope = Scope::kIgnored;
  Quantity quantity = Quantity::kNothing;
};
static_assert(sizeof(CachedSeries) == 28, "there is one for each scraped series");

class SeriesList {
 public:
  using Index = std::uint32_t;
  static constexpr Index kNone = 0xffff'ffff;

  SeriesList();
  ~SeriesList();

  [[nodiscard]] const CachedSeries& operator[](Index index) const { return series_[index]; }
  // What followed the last one taken in the last page, or kNone.
  [[nodiscard]] Index Expected() const { return expected_ < series_.size() ? expected_ : kNone; }
  // kNone: neither the last page nor this one so far has it.
  [[nodiscard]] Index Find(const HeadHash& hash);
  // Which Find() does not find.
  Index Add(const CachedSeries& series);

  // Notes that the page has it. False: for the second time.
  bool Take(Index index);
  // Forgets what the page did not have.
  void EndPage();

  [[nodiscard]] std::size_t size() const { return series_.size(); }

 private:
  struct Change;
  void Differ();
  Index& SlotOf(const HeadHash& hash);
  void FillTable();

  std::vector<CachedSeries> series_;
  Index expected_ = 0;
  std::unique_ptr<Change> change_;  // not null from where a page differs from the last one, until its end
};

}  // namespace cloudmon::scrape
