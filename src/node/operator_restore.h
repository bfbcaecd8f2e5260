// Revisions that were replaced or deleted: which there are, and bringing one back.  Source: design §6; settings,
// `retention`.
// Concept: each replica retains for itself. A restore is a PUT of what one of them has: it gets a revision of its own,
//          and what it replaces is retained in turn.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

/// What the nodes that may hold the object retain of it; of those that answered.
asio::awaitable<std::map<NodeId, std::vector<store::RetainedRevision>>> gather_retained(NodeContext& context,
                                                                                        ObjectId id);

/// {"key", "id", "revisions": [{"revision", "size", "redundancy", "replaced", "until", "nodes"}]}, the newest first.
boost::json::object revisions_json(const View& view, const std::string& key, const ObjectId& id,
                                   const std::map<NodeId, std::vector<store::RetainedRevision>>& retained);

/// Answers `POST /cluster/restore/KEY`: puts `revision` again, the newest that is retained if it is none. The answer is
/// the PUT's.
asio::awaitable<void> restore_object(NodeContext& context, std::string key, Revision revision, net::Response& response);

/// GET /peer/retained/ID: a line `REVISION LEVEL SIZE REPLACED` for each, REPLACED in unix ms.
asio::awaitable<void> handle_peer_retained(NodeContext& context, ObjectId id, net::Response& response);

}  // namespace brigade::node
