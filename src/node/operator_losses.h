// Buckets that lack what nobody who is up has, and giving that up.  Source: design §4 "Failure"; §7.
// Thread:  pure functions.
#pragma once

#include <optional>

#include <boost/json/object.hpp>

#include "brigade/base/bucket_set.h"
#include "brigade/base/result.h"
#include "brigade/cluster/cluster_map.h"

namespace brigade::node {

/// GET /cluster/losses: `count`, and of the first of them who has the bucket now, up to which transaction it is
/// complete there, and with which one the last who had more ceased to serve.
boost::json::object losses_json(const cluster::ClusterMap& map);

/// The buckets of which the loss is to be accepted; `wanted` nothing: all that are lost. Errors: kConflict, naming a
/// bucket of which nothing is lost; kNotFound if there are none.
Result<BucketSet> accepted_losses(const cluster::ClusterMap& map, const std::optional<BucketSet>& wanted);

}  // namespace brigade::node
