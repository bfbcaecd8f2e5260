// The replica's part of writes and transfers: /peer/stage, commit, abort, object, remove, entry, fetch, digests, list,
// older.
// Source: design §5 Writes, Filling; proto/README.md "Peer requests".
// Concept: stages what the primary streams; commits it under the map seq that the primary worked with. Refuses a write
//          whose primary does not know a newer set of replicas (kStale, with the seq to wait for).
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

class ReplicaEndpoint {
 public:
  explicit ReplicaEndpoint(NodeContext& context) : context_(context) {}

  asio::awaitable<void> stage(ObjectId id, std::string name, net::Request& request, net::Response& response);
  asio::awaitable<void> commit(std::string name, net::Request& request, net::Response& response);
  asio::awaitable<void> abort(std::string name, net::Response& response);
  asio::awaitable<void> put_record(ObjectId id, net::Request& request, net::Response& response);
  asio::awaitable<void> entry(ObjectId id, net::Response& response);
  asio::awaitable<void> fetch(ObjectId id, net::Request& request, net::Response& response);
  asio::awaitable<void> digests(net::Request& request, net::Response& response);
  asio::awaitable<void> list(net::Request& request, net::Response& response);
  /// Which of a sibling's tombstones are newer than what is here.
  asio::awaitable<void> older(net::Request& request, net::Response& response);

  /// Rolls back what was staged long ago and never committed.
  void drop_abandoned();

 private:
  struct Staged {
    ObjectId id;
    NodeId primary;
    std::unique_ptr<store::StagedObject> object;
    std::chrono::steady_clock::time_point since;
    Admission::Place place;
  };
  using StagedKey = std::pair<NodeId, std::string>;

  /// Waits until this node's map has reached the sender's; then the sender's must have this object's newest replicas.
  asio::awaitable<Status> check_sender(const ObjectId& id, std::uint8_t level, Seq sender);
  /// Errors: kStale names the view of a later revision that is here.
  asio::awaitable<Status> take_record(const store::ObjectMeta& meta, Seq seq, net::Request& request);
  /// Its body, from the request, or from a revision that is here. Errors: kNotFound if it is to come from one that is
  /// not.
  asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_record(const store::ObjectMeta& meta,
                                                                             net::Request& request);
  asio::awaitable<Status> wait_for_older_commits(Seq as_of);

  NodeContext& context_;
  std::map<StagedKey, Staged> staged_;
};

}  // namespace brigade::node
