// GET /cluster/locate/KEY: where an object belongs, who has it, and why.  Source: design §7, §9 "locate that explains".
// Concept: the map says who should hold it and which transaction said so; the nodes themselves say who does.
// Thread:  locate_json: pure; gather_evidence: the data plane's executor.
#pragma once

#include "node_context.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/store/object_store.h"

namespace brigade::node {

/// What nodes said of their record of one object; nothing inside: it has none. A node that is missing did not say.
struct Evidence {
  std::map<NodeId, std::optional<store::IndexEntry>> answers;
  Evidence() = default;
};

/// Asks all nodes that are up and have a part in any of the 16 buckets nearest to the object's home, at once.
asio::awaitable<Evidence> gather_evidence(NodeContext& context, ObjectId id);

/// Replicas up to the redundancy of the newest record, or the default where there is none. `line_of` gives a committed
/// transaction that is still kept.
boost::json::object locate_json(const View& view, NodeId self, const std::string& key, const ObjectId& id,
                                const Evidence& evidence, const std::function<std::optional<LogLine>(Seq)>& line_of);

}  // namespace brigade::node
