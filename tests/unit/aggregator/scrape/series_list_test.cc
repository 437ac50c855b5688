// SPDX-License-Identifier: Apache-2.0
#include "aggregator/scrape/series_list.h"

#include <doctest/doctest.h>

#include <string>

using namespace cloudmon::scrape;

namespace {

// Series with one letter for a head.
class List {
 public:
  // Reads a page of such heads; returns what had to be added (in upper case) and what was taken already (as '!').
  std::string Page(const std::string& heads) {
    std::string out;
    for (const char head : heads) {
      const HeadHash hash = HashOf(head);
      SeriesList::Index index = list_.Find(hash);
      if (index == SeriesList::kNone) {
        out += static_cast<char>(head - 'a' + 'A');
        index = list_.Add({.hash = hash, .owner = static_cast<std::uint32_t>(head)});
      }
      CHECK(list_[index].owner == static_cast<std::uint32_t>(head));
      if (!list_.Take(index)) out += '!';
    }
    list_.EndPage();
    return out;
  }
  [[nodiscard]] std::string Order() const {
    std::string out;
    for (SeriesList::Index i = 0; i < list_.size(); ++i) out += static_cast<char>(list_[i].owner);
    return out;
  }

 private:
  // All in the same place of the table.
  static HeadHash HashOf(char head) { return {7, 0, 0, static_cast<std::uint32_t>(head)}; }

  SeriesList list_;
};

}  // namespace

TEST_CASE("series list: follows the pages' order, whatever becomes of it") {
  struct Step {
    const char* page;
    const char* want;  // see List::Page
    const char* order;
  };
  constexpr Step kSteps[] = {
      {"abcdef", "ABCDEF", "abcdef"},
      {"abcdef", "", "abcdef"},
      {"abc", "", "abc"},           // the end is gone
      {"abcdef", "DEF", "abcdef"},  // and is back
      {"bcdef", "", "bcdef"},       // the begin
      {"bdf", "", "bdf"},           // some within
      {"abcdef", "ACE", "abcdef"},  // are back
      {"fedcba", "", "fedcba"},     // the other way round
      {"fedcba", "", "fedcba"},
      {"fefdcbaa", "!!", "fedcba"},      // twice: known
      {"fedxxcyba", "X!Y", "fedxcyba"},  // twice: new
      {"", "", ""},
      {"ba", "BA", "ba"},
      {"bab", "!", "ba"},
  };
  List list;
  for (const Step& step : kSteps) {
    CAPTURE(step.page);
    CHECK(list.Page(step.page) == step.want);
    CHECK(list.Order() == step.order);
  }
}

TEST_CASE("series list: many new ones on one page") {
  SeriesList list;
  const HeadHasher hasher;
  for (int page = 0; page < 3; ++page) {
    for (int i = 0; i < 5000; ++i) {
      const HeadHash hash = hasher(std::to_string(i + page * 2500));  // half of them new
      SeriesList::Index index = list.Find(hash);
      REQUIRE((index == SeriesList::kNone) == (page == 0 || i >= 2500));
      if (index == SeriesList::kNone) index = list.Add({.hash = hash});
      REQUIRE(list.Take(index));
    }
    list.EndPage();
    REQUIRE(list.size() == 5000);
    REQUIRE(list.Expected() == 0);
  }
}
