// SPDX-License-Identifier: Apache-2.0
#include "aggregator/commands/export_command.h"

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "aggregator/commands/prepare.h"
#include "aggregator/commands/progress.h"
#include "aggregator/export/range.h"
#include "aggregator/export/writer.h"
#include "aggregator/store/database_reader.h"
#include "common/output_directory.h"
#include "common/signals.h"

namespace cloudmon {
namespace {

// What was written so far.
struct Tally {
  std::uint64_t entries = 0, bytes = 0;
};

// Writes one file after the other.
class FileExport {
 public:
  FileExport(const store::DatabaseReader& database, const api::TimeRange& range, OutputDirectory& out,
             Progress& progress)
      : database_(database), range_(range), out_(out), progress_(progress) {}

  Status Write(const exports::File& file);
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  // Takes the next piece of text; an error ends the file.
  Status Take(std::string_view piece);

  const store::DatabaseReader& database_;
  const api::TimeRange range_;
  OutputDirectory& out_;
  Progress& progress_;
  Tally tally_;
};

Status FileExport::Take(std::string_view piece) {
  if (TakeSignal()) return Error{ErrorCode::kGone, "stopped; no file was changed"};
  tally_.bytes += piece.size();
  return out_.Append(piece);
}

Status FileExport::Write(const exports::File& file) {
  if (Status begun = out_.Begin(file.name); !begun.ok()) return begun;
  store::Selector selector;
  selector.kind = file.kind;
  const auto keys = database_.CountMembers(selector, range_.start_seconds);
  if (!keys.ok()) return keys.error();
  std::size_t done = 0;
  const auto for_each = [&](const auto& which, auto start, auto end, const auto& less, auto points, const auto& take) {
    return database_.ForEach(which, start, end, less, points, [&](store::SeriesSlice slice) {
      if (!which.pod.empty()) return take(std::move(slice));  // read again, in parts: counted already
      tally_.entries += slice.points.size();
      progress_.Show(file.name, static_cast<double>(done++) / static_cast<double>(keys.value()),
                     [&] { return BytesText(tally_.bytes); });
      return take(std::move(slice));
    });
  };
  Status taken = Status::Ok();
  Status written = exports::WriteFile(for_each, file.kind, range_, [&](std::string_view piece) {
    taken = Take(piece);
    return taken.ok();
  });
  return taken.ok() ? written : taken;
}

Result<api::TimeRange> RangeOf(const ExportSettings& settings, const store::DatabaseReader& database) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [name, value] :
       {std::pair("window", settings.window), std::pair("start", settings.start), std::pair("end", settings.end)}) {
    if (!value.empty()) pairs.emplace_back(name, value);
  }
  const auto query = exports::ParseRange(pairs, database.interval_seconds());
  if (!query.ok()) return Error{ErrorCode::kInvalid, "--" + query.error().message};
  const auto newest = database.NewestSeconds();
  if (!newest.ok()) return newest.error();
  // A window counts back from what there is, however old that is.
  const std::int64_t end_ms = (newest.value() + database.interval_seconds()) * 1000;
  return api::ResolveRange(query.value(), newest.value(), end_ms, database.interval_seconds());
}

Status Export(const ExportSettings& settings) {
  const auto database = store::DatabaseReader::Open(settings.aggregator.storage_path);
  if (!database.ok()) return database.error();
  const auto range = RangeOf(settings, *database.value());
  if (!range.ok()) return range.error();
  auto out = OutputDirectory::Open(settings.out);
  if (!out.ok()) return Wrap(out.error(), "--out");
  Progress progress;
  FileExport files(*database.value(), range.value(), out.value(), progress);
  for (const exports::File& file : exports::kFiles) {
    if (Status written = files.Write(file); !written.ok()) return written;
  }
  if (Status committed = out.value().Commit(); !committed.ok()) return committed;
  progress.Clear();
  std::printf("exported %llu entries, %s, to %s\n", static_cast<unsigned long long>(files.tally().entries),
              BytesText(files.tally().bytes).c_str(), settings.out.c_str());
  return Status::Ok();
}

}  // namespace

std::unique_ptr<config::OptionTable> ExportOptions(ExportSettings& settings) {
  auto table = CommandOptions(
      settings.aggregator, "export",
      "Writes what an aggregator has stored to the files nodes.json, pods.json, namespaces.json and deployments.json. "
      "The aggregator may run meanwhile. The files are the same as those of GET /api/export, and `import` reads them.");
  table->ShowOnly({"storage.path"});
  const auto scope = config::Scope::kFlag;
  table->Add({"out", "Directory for the files; made if missing. Files that are there change all at once, at the end.",
              &settings.out, "", "DIR", scope});
  table->Add(
      {"window", "Only so much, back from the newest bucket: 30s, 5m, 2h, 1d.", &settings.window, "", "SPAN", scope});
  table->Add({"start", "Only buckets from then on: Unix seconds or RFC 3339.", &settings.start, "", "TIME", scope});
  table->Add({"end", "Only buckets before: Unix seconds or RFC 3339.", &settings.end, "", "TIME", scope});
  table->SetEpilogue(
      "\nThe last day, and how many buckets of each pod it has:\n"
      "  cloud-monitor-aggregator export --storage.path=./data --out=./export --window=1d\n"
      "  jq 'map_values(length)' ./export/pods.json\n");
  return table;
}

Status RunExport(int argc, const char* const* argv) {
  ExportSettings settings;
  const auto table = ExportOptions(settings);
  const auto go_on = Prepare(*table, settings.aggregator, argc, argv);
  if (!go_on.ok()) return go_on.error();
  if (!go_on.value()) return Status::Ok();
  if (settings.out.empty()) {
    return Error{ErrorCode::kInvalid, "--out is missing: the directory for the files, such as --out=./export"};
  }
  return Export(settings);
}

}  // namespace cloudmon
