// SPDX-License-Identifier: Apache-2.0
#include "aggregator/commands/import_command.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include "aggregator/commands/prepare.h"
#include "aggregator/commands/progress.h"
#include "aggregator/commands/store_options.h"
#include "aggregator/export/reader.h"
#include "aggregator/export/writer.h"
#include "aggregator/store/bulk_import.h"
#include "common/clock.h"
#include "common/signals.h"

namespace cloudmon {
namespace {

namespace fs = std::filesystem;

// Entries between two looks at signals and progress.
constexpr std::size_t kStride = 1024;

Error Stopped() {
  return {ErrorCode::kGone, "stopped; run the same command again and it goes on"};
}

// A file that is there.
struct Input {
  exports::File file;
  std::string path;
  std::uint64_t bytes = 0;
  std::string version;  // changes when the file does
};

Result<std::vector<Input>> FindInputs(const std::string& directory) {
  std::vector<Input> inputs;
  std::string missing;
  for (const exports::File& file : exports::kFiles) {
    Input input{file, (fs::path(directory) / file.name).string(), 0, ""};
    std::error_code failed;
    if (!fs::exists(input.path, failed) && !failed) {
      missing += (missing.empty() ? "" : ", ") + std::string(file.name);
      continue;
    }
    if (!failed) input.bytes = fs::file_size(input.path, failed);
    if (failed) return ErrnoError(failed.value(), input.path);
    input.version = std::string(file.name) + " " + std::to_string(input.bytes) + " " +
                    std::to_string(fs::last_write_time(input.path, failed).time_since_epoch().count()) + "\n";
    inputs.push_back(std::move(input));
  }
  if (inputs.empty()) return Error{ErrorCode::kNotFound, directory + ": none of " + missing + " is there"};
  if (!missing.empty()) std::fprintf(stderr, "%s: not there, left out: %s\n", directory.c_str(), missing.c_str());
  return inputs;
}

// Stages the files, one part each, then merges them.
class FileImport {
 public:
  FileImport(store::BulkImport& bulk, std::int64_t interval_seconds, Progress& progress)
      : bulk_(bulk), interval_seconds_(interval_seconds), progress_(progress) {}

  Status Stage(const Input& input);
  Result<store::BulkImport::Report> Merge();
  [[nodiscard]] const exports::ReadSummary& summary() const { return summary_; }

 private:
  store::BulkImport& bulk_;
  const std::int64_t interval_seconds_;
  Progress& progress_;
  exports::ReadSummary summary_;  // of all files
};

Status FileImport::Stage(const Input& input) {
  if (bulk_.IsStaged(input.file.name)) return Status::Ok();
  if (Status begun = bulk_.BeginPart(input.file.name); !begun.ok()) return begun;
  std::ifstream in(input.path, std::ios::binary);
  if (!in) return Error{ErrorCode::kIo, input.path + ": cannot be opened"};
  Status taken = Status::Ok();
  std::size_t count = 0;
  const auto read =
      exports::ReadFile(in, input.file.kind, interval_seconds_, [&](auto time, const auto& member, const auto& point) {
        if (++count % kStride == 0) {
          const auto done = static_cast<std::uint64_t>(in.tellg());
          progress_.Show(input.file.name, static_cast<double>(done) / static_cast<double>(input.bytes),
                         [&] { return BytesText(done) + " of " + BytesText(input.bytes); });
          if (TakeSignal()) return taken = Stopped();
        }
        return taken = bulk_.Add(time, member, point);
      });
  if (!taken.ok() && taken.error().code != ErrorCode::kInvalid) return taken;
  if (!read.ok()) return Wrap(read.error(), input.file.name);
  for (const auto& [name, times] : read.value().skipped_fields) summary_.skipped_fields[name] += times;
  summary_.replaced += read.value().replaced;
  return bulk_.EndPart();
}

Result<store::BulkImport::Report> FileImport::Merge() {
  return bulk_.Merge([&](std::size_t done, std::size_t total) {
    progress_.Show("storing", static_cast<double>(done) / static_cast<double>(std::max<std::size_t>(total, 1)),
                   [&] { return std::to_string(done) + " of " + std::to_string(total) + " entries"; });
    return !TakeSignal();
  });
}

void PrintReport(const ImportSettings& settings, const store::BulkImport::Report& report,
                 const exports::ReadSummary& summary) {
  std::printf("imported %zu entries in %zu buckets into %s\n", report.entries, report.buckets,
              settings.aggregator.storage_path.c_str());
  if (report.too_old_buckets > 0) {
    std::printf("left out: %zu buckets that are older than storage.retention, %s\n", report.too_old_buckets,
                config::FormatDuration(settings.aggregator.storage_retention).c_str());
  }
  if (summary.replaced > 0) {
    std::printf("left out: %zu entries of members that have a later one in the same bucket\n", summary.replaced);
  }
  std::string skipped;
  for (const auto& [name, times] : summary.skipped_fields) {
    skipped += (skipped.empty() ? "skipped fields: " : ", ") + name + " (" + std::to_string(times) + " times)";
  }
  if (!skipped.empty()) std::puts(skipped.c_str());
}

Status Import(const ImportSettings& settings) {
  const auto inputs = FindInputs(settings.directory);
  if (!inputs.ok()) return inputs.error();
  const SystemClock clock;
  const store::StoreOptions options = StoreOptionsOf(settings.aggregator);
  const char* zone = std::getenv("TZ");  // what local times mean, as the files are read
  std::string source = std::string(zone == nullptr ? "" : zone) + "\n";
  for (const Input& input : inputs.value()) source += input.version;
  const auto bulk = store::BulkImport::Open(options, source, clock);
  if (!bulk.ok()) return bulk.error();
  Progress progress;
  FileImport import(*bulk.value(), options.interval_seconds, progress);
  for (const Input& input : inputs.value()) {
    const Status staged = import.Stage(input);
    if (staged.ok()) continue;
    // Where a file is refused it has to change, and then all are read anew.
    const bool refused = staged.error().code == ErrorCode::kParse || staged.error().code == ErrorCode::kInvalid;
    if (refused) (void)bulk.value()->Discard();
    return staged;
  }
  const auto report = import.Merge();
  if (!report.ok()) return report.error();
  if (!report.value().complete) return Stopped();
  progress.Clear();
  PrintReport(settings, report.value(), import.summary());
  return Status::Ok();
}

}  // namespace

std::unique_ptr<config::OptionTable> ImportOptions(ImportSettings& settings) {
  auto table = CommandOptions(
      settings.aggregator, "import",
      "Stores what the files nodes.json, pods.json, namespaces.json and deployments.json hold, those of `export` or of "
      "the system whose format it is. No aggregator may run on the directory meanwhile. A file that cannot be read is "
      "refused with the place, and then nothing is stored. What is broken off goes on when it is run again.");
  table->ShowOnly({"storage.path", "storage.retention", "scrape.interval"});
  table->SetArgument({"DIR", "The directory with the files, or with some of them.", &settings.directory});
  table->SetEpilogue(
      "\nFrom one machine to another:\n"
      "  cloud-monitor-aggregator export --storage.path=./data --out=./export\n"
      "  cloud-monitor-aggregator import ./export --storage.path=./data-new\n");
  return table;
}

Status RunImport(int argc, const char* const* argv) {
  ImportSettings settings;
  const auto table = ImportOptions(settings);
  const auto go_on = Prepare(*table, settings.aggregator, argc, argv);
  if (!go_on.ok()) return go_on.error();
  if (!go_on.value()) return Status::Ok();
  return Import(settings);
}

}  // namespace cloudmon
