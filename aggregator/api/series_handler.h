// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "aggregator/api/handlers.h"
#include "aggregator/series/model.h"
#include "common/http/http.h"

namespace cloudmon::api {

struct SeriesRoute {
  std::string_view pattern, summary;
  series::Kind kind;  // of the entries that the route lists
};

// Every series route. The names in braces are those of the parameters and of the identity's JSON keys.
inline constexpr std::array<SeriesRoute, 15> kSeriesRoutes{{
    {"/api/nodes", "every node", series::Kind::kNode},
    {"/api/nodes/{node}", "one node", series::Kind::kNode},
    {"/api/nodes/{node}/pods", "the pods on one node", series::Kind::kPod},
    {"/api/pods", "every pod", series::Kind::kPod},
    {"/api/pods/{pod}", "the pods of that name, in whatever namespace", series::Kind::kPod},
    {"/api/namespaces", "every namespace", series::Kind::kNamespace},
    {"/api/namespaces/{namespace}", "one namespace", series::Kind::kNamespace},
    {"/api/namespaces/{namespace}/pods", "the pods of one namespace", series::Kind::kPod},
    {"/api/namespaces/{namespace}/pods/{pod}", "one pod of one namespace", series::Kind::kPod},
    {"/api/namespaces/{namespace}/deployments", "the deployments of one namespace", series::Kind::kDeployment},
    {"/api/namespaces/{namespace}/deployments/{deployment}", "one deployment", series::Kind::kDeployment},
    {"/api/namespaces/{namespace}/deployments/{deployment}/pods", "the pods of one deployment", series::Kind::kPod},
    {"/api/deployments", "every deployment", series::Kind::kDeployment},
    {"/api/deployments/{deployment}", "the deployments of that name, in whatever namespace", series::Kind::kDeployment},
    {"/api/cluster", "the whole cluster; the same as the key __all__ under nodes, pods, namespaces or deployments",
     series::Kind::kCluster},
}};

// Answers a series route: the request's path parameters say which members, its query the rest.
[[nodiscard]] http::Response HandleSeries(const ApiDeps& deps, series::Kind kind, const http::Request& request);

}  // namespace cloudmon::api
