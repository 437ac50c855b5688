// SPDX-License-Identifier: Apache-2.0
#include "exporter/push/queue.h"

#include <utility>

namespace cloudmon::push {

void Queue::Add(std::string document) {
  if (documents_.size() == capacity_) {
    documents_.pop_front();
    ++dropped_;
  }
  documents_.push_back(std::move(document));
}

std::string Queue::TakeOldest() {
  std::string document = std::move(documents_.front());
  documents_.pop_front();
  return document;
}

void Queue::PutBack(std::string document) {
  if (documents_.size() == capacity_) {
    ++dropped_;
    return;
  }
  documents_.push_front(std::move(document));
}

}  // namespace cloudmon::push
