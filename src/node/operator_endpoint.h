// Everything on the client listener but objects: what operators read and change.  Source: design §7.
// Concept: GET answers come from this node's own view, so they are there without a quorum too; changes are signed
//          (admin_auth.h), go to the coordinator, and are answered once they are committed.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "operator_json.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"
#include "brigade/node/admin_auth.h"

namespace brigade::node {

class OperatorEndpoint {
 public:
  OperatorEndpoint(NodeContext& context, const wire::ClusterSecret& secret);
  asio::awaitable<void> handle(net::Request& request, net::Response& response);

 private:
  asio::awaitable<void> read(std::string path, std::string query, net::Response& response);
  asio::awaitable<void> change(std::string path, net::Request& request, net::Response& response);

  asio::awaitable<void> cluster(net::Response& response);
  asio::awaitable<void> map(net::Response& response);
  asio::awaitable<void> log(std::string query, net::Response& response);
  asio::awaitable<void> losses(net::Response& response);
  asio::awaitable<void> plan(std::string query, net::Response& response);
  asio::awaitable<void> can_stop(std::string query, net::Response& response);
  asio::awaitable<void> locate(std::string encoded_key, net::Response& response);
  asio::awaitable<void> revisions(std::string encoded_key, net::Response& response);
  asio::awaitable<void> restore(std::string encoded_key, std::string query, net::Response& response);
  asio::awaitable<void> objects(std::string query, net::Response& response);
  asio::awaitable<void> verify(net::Response& response);
  asio::awaitable<void> ready(net::Response& response);
  asio::awaitable<void> metrics(net::Response& response);

  asio::awaitable<void> join(const AdminStamp& stamp, std::string body, net::Response& response);
  asio::awaitable<void> accept_loss(std::string body, net::Response& response);
  asio::awaitable<void> commit(wire::Change change, net::Response& response);

  /// Of the present map; counted once per seq.
  const BucketCounts& counts(const View& view);
  [[nodiscard]] double uptime_seconds() const;

  NodeContext& context_;
  const wire::ClusterSecret secret_;
  AdminGate admin_gate_;
  Gate listings_;  ///< a list of objects reads the whole store: one at a time
  Gate proofs_;    ///< so does a comparison that finds much
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();

  Position counted_at_;
  std::unique_ptr<BucketCounts> counts_;
  Position drawn_at_;
  std::shared_ptr<const std::string> drawn_;  ///< the text of /cluster/map
};

/// POST /peer/propose?change=JSON: an operator's change, from the node that it was given to. JSON, because it is part
/// of the target, is under the request's signature. Answers {"seq"} at commit; 421 if this node does not coordinate.
asio::awaitable<void> handle_peer_propose(NodeContext& context, net::Request& request, net::Response& response);

/// GET /peer/keys?prefix=&after=&limit=: the objects that this node is primary of, for a list of all.
asio::awaitable<void> handle_peer_keys(NodeContext& context, net::Request& request, net::Response& response);

}  // namespace brigade::node
