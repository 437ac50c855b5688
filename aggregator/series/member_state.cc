// SPDX-License-Identifier: Apache-2.0
#include "aggregator/series/member_state.h"

#include <algorithm>

namespace cloudmon::series {
namespace {

void SetGauge(Point& point, Field field, const std::optional<std::uint64_t>& value) {
  if (value) point.Set(field, ToValue(*value));
}

void AddGauge(Point& point, Field field, const std::optional<std::uint64_t>& value) {
  if (value) point.Set(field, ToValue(SaturatingAdd(static_cast<std::uint64_t>(point.Get(field)), ToValue(*value))));
}

// Millicores that are given are shown where none can be computed.
void SetUsageGauges(Point& point, const Usage& usage) {
  SetGauge(point, Field::kCpuMillicores, usage.cpu_millicores);
  SetGauge(point, Field::kMemoryBytes, usage.memory_bytes);
  SetGauge(point, Field::kMemoryWorkingSetBytes, usage.memory_working_set_bytes);
}

void SetCounter(Update& update, std::size_t index, std::uint64_t total, const Step& step) {
  const CounterFields fields = kCounterFields[index];
  update.point.Set(fields.total, ToValue(total));
  update.increase[index] = step.increase;
  if (step.per_ms) update.point.Set(fields.rate, RateValue(static_cast<Counter>(index), *step.per_ms));
}

bool SaysUsageOfItsOwn(const Usage& usage) {
  return usage.cpu_usage_usec || usage.disk_read_bytes || usage.disk_write_bytes;
}

// A pod that is counted in another way than before starts anew: the two ways' totals cannot be compared.
void TakeForm(PodCounters& state, const PodReading& reading) {
  using Form = PodCounters::Form;
  Form form = state.form;
  if (!reading.containers.empty()) form = Form::kContainers;
  if (reading.containers.empty() && SaysUsageOfItsOwn(reading.usage)) form = Form::kCgroup;
  if (state.form != Form::kUnknown && state.form != form) {
    const std::int64_t at_ms = state.at_ms;
    state = PodCounters{};
    state.at_ms = at_ms;
  }
  state.form = form;
  if (form == Form::kCgroup) state.sums.reset();
  if (form == Form::kContainers && !state.sums) state.sums = std::make_unique<ContainerSums>();
}

ContainerState& FindContainer(std::vector<ContainerState>& containers, const std::string& name, std::int64_t at_ms) {
  for (ContainerState& container : containers) {
    if (container.name == name) return container;
  }
  std::erase_if(containers, [&](const ContainerState& container) {
    return at_ms - container.at_ms > kForgetCountersSeconds * 1000;
  });
  containers.emplace_back().name = name;
  return containers.back();
}

struct Sum {
  bool known = false;
  std::uint64_t raw = 0;
  Step step;
};
using Sums = std::array<Sum, kContainerCounterCount>;

Sums AdvanceContainers(PodCounters& state, const PodReading& reading, std::int64_t at_ms,
                       std::optional<std::int64_t> zero_at_ms) {
  std::vector<ContainerState>& containers = state.sums->containers;
  // A container that the last scrape of a known pod did not have has begun since.
  if (!zero_at_ms && !containers.empty()) zero_at_ms = state.at_ms;
  Sums sums;
  for (const ContainerUsage& usage : reading.containers) {
    ContainerState& container = FindContainer(containers, usage.container, at_ms);
    if (container.at_ms == at_ms) continue;  // an old and a new one of the same name: one is followed
    const bool fresh = container.at_ms == 0;
    container.at_ms = at_ms;
    const CounterValues values = CountersOf(usage.usage);
    for (std::size_t i = 0; i < kContainerCounterCount; ++i) {
      if (!values[i]) continue;
      sums[i].known = true;
      sums[i].raw = SaturatingAdd(sums[i].raw, *values[i]);
      sums[i].step += Advance(container.counters[i], *values[i], at_ms, fresh ? zero_at_ms : std::nullopt);
    }
  }
  return sums;
}

void AdvanceSums(PodCounters& state, const Sums& sums, std::int64_t at_ms, Update& update) {
  for (std::size_t i = 0; i < kContainerCounterCount; ++i) {
    if (!sums[i].known) continue;
    Step step = sums[i].step;
    if (CounterState& restored = state.counters[i]; restored.seen) {
      // After a restart only the pod's running total is known, not the containers' values behind it.
      step = Advance(restored, sums[i].raw, at_ms, std::nullopt, Drop::kIsUnknown);
      restored.seen = false;
    }
    std::uint64_t& total = state.sums->totals[i];
    total = SaturatingAdd(total, step.added);
    SetCounter(update, i, total, step);
  }
}

}  // namespace

Point NodeGauges(const NodeReading& reading) {
  Point point;
  SetUsageGauges(point, reading.usage);
  SetGauge(point, Field::kCpuCapacityMillicores, reading.cpu_capacity_millicores);
  SetGauge(point, Field::kMemoryCapacityBytes, reading.memory_capacity_bytes);
  return point;
}

Point PodGauges(const PodReading& reading) {
  Point point;
  if (reading.containers.empty()) SetUsageGauges(point, reading.usage);
  for (const ContainerUsage& container : reading.containers) {
    AddGauge(point, Field::kMemoryBytes, container.usage.memory_bytes);
    AddGauge(point, Field::kMemoryWorkingSetBytes, container.usage.memory_working_set_bytes);
  }
  return point;
}

Point AdvanceNode(NodeCounters& state, const NodeReading& reading, std::int64_t at_ms) {
  Update update{.point = NodeGauges(reading)};
  const CounterValues values = CountersOf(reading.usage);
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    if (!values[i]) continue;
    CounterState& counter = state.counters[i];
    const Drop drop = counter.uncertainty_ms > 0 ? Drop::kIsUnknown : Drop::kIsReset;
    const Step step = Advance(counter, *values[i], at_ms, std::nullopt, drop);
    state.totals[i] = SaturatingAdd(state.totals[i], step.added);
    SetCounter(update, i, state.totals[i], step);
  }
  return update.point;
}

Update AdvancePod(PodCounters& state, const PodReading& reading, std::int64_t at_ms,
                  std::optional<std::int64_t> zero_at_ms) {
  TakeForm(state, reading);
  Update update{.point = PodGauges(reading)};
  const bool by_container = !reading.containers.empty();
  const CounterValues values = CountersOf(reading.usage);
  for (std::size_t i = by_container ? kContainerCounterCount : 0; i < kCounterCount; ++i) {
    if (values[i]) SetCounter(update, i, *values[i], Advance(state.counters[i], *values[i], at_ms, zero_at_ms));
  }
  if (by_container) AdvanceSums(state, AdvanceContainers(state, reading, at_ms, zero_at_ms), at_ms, update);
  state.at_ms = at_ms;
  return update;
}

NodeCounters RestoreNode(const Point& point, std::int64_t at_ms, std::int64_t uncertainty_ms) {
  NodeCounters state;
  for (std::size_t i = 0; i < kCounterCount; ++i) {
    const Field total = kCounterFields[i].total;
    if (!point.Has(total)) continue;
    state.totals[i] = static_cast<std::uint64_t>(std::max<std::int64_t>(0, point.Get(total)));
    state.counters[i] = CounterState{state.totals[i], at_ms, uncertainty_ms};
  }
  return state;
}

PodCounters RestorePod(const Point& point, std::int64_t at_ms, std::int64_t uncertainty_ms) {
  const NodeCounters same = RestoreNode(point, at_ms, uncertainty_ms);
  PodCounters state;
  state.at_ms = at_ms;
  state.counters = same.counters;
  state.sums = std::make_unique<ContainerSums>();
  std::copy_n(same.totals.begin(), kContainerCounterCount, state.sums->totals.begin());
  return state;
}

}  // namespace cloudmon::series
