// What nodes are to hold: an operator's wishes as transactions, and what they would move.  Source: design §7, §9 "A
// plan with a certificate". Thread: any; pure.
#pragma once

#include "operator_requests.h"

#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

#include "brigade/base/result.h"
#include "brigade/cluster/cluster_map.h"
#include "brigade/wire/transaction.h"

namespace brigade::node {

/// What POST to `path` (/cluster/remove, /cluster/drain, /cluster/reshape, /cluster/replace) means, with what the wish
/// leaves out as it is. Errors: kNotFound (no such node), kInvalid (what is needed is not said).
Result<wire::Change> node_change(std::string_view path, const NodeWish& wish, const cluster::ClusterMap& map);

/// What GET /cluster/plan is asked for: drain=NODE, replace=NODE&with=NODE, or reshape=NODE&zone=ZONE&weight=WEIGHT.
/// Nothing: things as they are. Errors: as above.
Result<std::optional<wire::Change>> planned_change(std::string_view query, const cluster::ClusterMap& map);

/// GET /cluster/plan: what the planner would move, after `change` if there is one; nodes that are down are counted as
/// coming back. `bucket_bytes` is what a bucket holds on average, if that is known: keys are spread by their hash, so
/// that buckets differ little.
boost::json::object plan_json(cluster::ClusterMap map, const std::optional<wire::Change>& change,
                              std::optional<double> bucket_bytes);

}  // namespace brigade::node
