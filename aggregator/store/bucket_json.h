// SPDX-License-Identifier: Apache-2.0
// The JSON documents in which buckets are stored: one for each of nodes, pods, namespaces, deployments. Pure; safe from
// any thread.
//
// {"time":1795369210,"series":[1,2],"cpu_millicores":[412,null],"disk_read_bytes_per_second":[0.5,3],
//  "__all__":{"cpu_millicores":412,"pods":2}}
//
// By columns: the i-th value of each array belongs to the series with the i-th number (table `series`). null: not
// known. A field that no series has is left out. Rates are bytes a second. `__all__`, in the nodes' document, is the
// cluster.
//
// The format is plain enough for a scanner of its own: it reads the 1.15 MB of 10,000 pods in 1.2 ms where a general
// parser's event interface takes 12 ms, and on that depends how soon a full head is back in memory after a crash.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/series/model.h"
#include "aggregator/store/columns.h"
#include "common/result.h"

namespace cloudmon::store {

inline constexpr std::string_view kClusterName = "__all__";

// The kinds that have a document; the cluster is in the nodes'.
inline constexpr std::array kDocumentKinds = {series::Kind::kNode, series::Kind::kPod, series::Kind::kNamespace,
                                              series::Kind::kDeployment};
// "nodes", "pods", "namespaces", "deployments" (the cluster: "nodes").
[[nodiscard]] std::string_view DocumentName(series::Kind kind);
[[nodiscard]] std::optional<series::Kind> DocumentKindByName(std::string_view name);

// Appends a document to `out`. `ids` are the series' numbers, one for each row of `columns`. `cluster`: the row of
// `__all__`, or null.
void WriteDocument(std::string& out, std::int64_t time_seconds, const std::vector<std::int64_t>& ids,
                   const ColumnBlock& columns, const series::Point* cluster);

struct Document {
  std::int64_t time_seconds = 0;
  std::vector<std::int64_t> ids;
  std::vector<series::Point> points;  // as many
  std::optional<series::Point> cluster;
};

// Reads a document into `out`, whose memory is reused. Members may come in any order and with blanks between; unknown
// ones are skipped. Error: kParse, naming the member and the offset.
Status ParseDocument(std::string_view text, Document& out);

}  // namespace cloudmon::store
