// The cluster that a node belongs to, as the beginning of a simulation.
// Concept: who is in the roster, with zones, weights and settings, and who owns which bucket in what state, by the JSON
// of
//          its operators' endpoints. When buckets were assigned is not known there, and does not matter.
// Thread:  pure functions, but for cluster_like.
#pragma once

#include <string>

#include <boost/json/value.hpp>

#include "brigade/base/result.h"
#include "brigade/wire/snapshot.h"

namespace brigade::cli {

/// From the answers of GET /cluster/nodes, /cluster/map and /cluster/settings. Errors: kBadGateway.
Result<wire::Snapshot> snapshot_from(const boost::json::value& nodes, const boost::json::value& map,
                                     const boost::json::value& settings);
/// Asks the node at `url`. Errors: as ApiClient.
Result<wire::Snapshot> cluster_like(const std::string& url);

}  // namespace brigade::cli
