// GET /metrics: the node's counters for Prometheus.
// Concept: counted where the work is done (NodeContext::stats, Control, the store); collected here when asked.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "operator_json.h"

#include <string>

namespace brigade::node {

/// Text exposition format, version 0.0.4.
std::string metrics_text(const NodeContext& context, const View& view, const BucketCounts& counts,
                         double uptime_seconds);

}  // namespace brigade::node
