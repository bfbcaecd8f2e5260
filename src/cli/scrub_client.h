// One node's scrub as an operator asks for it: begun, watched, over.
// Thread:  main.
#pragma once

#include "admin.h"
#include "api_client.h"

#include <cstdint>
#include <functional>

#include <boost/json/value.hpp>

#include "brigade/base/result.h"

namespace brigade::cli {

/// Makes the node begin a pass; its state, as `scrub` of GET /cluster. Errors: as signed_post, and the node's own.
Result<boost::json::value> begin_scrub(const ApiClient& client, const wire::ClusterSecret& secret);

/// Looks until the pass that `begun` asked for is over and nothing waits for repair, or no repair has come for a while;
/// its last state. `watch` sees each. Errors: as ApiClient; kUnavailable: the pass was given up.
Result<boost::json::value> wait_for_scrub(const ApiClient& client, const boost::json::value& begun,
                                          const std::function<void(const boost::json::value& scrub)>& watch);

}  // namespace brigade::cli
