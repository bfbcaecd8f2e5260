// The primary's side of its replicas in one write: streams the body to them, commits, or brings them up afterwards.
// Source: design §5 Writes 2 to 4.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "peer_guard.h"

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "brigade/net/http_client.h"

namespace brigade::node {

class ReplicaUploads {
 public:
  /// `client` is for whom.
  ReplicaUploads(NodeContext& context, ObjectId id, std::string key, std::string client);

  /// Opens a stage at each of `nodes`. Whoever can't be reached is left out; it is brought up later, or declared down.
  asio::awaitable<void> begin(const std::vector<NodeId>& nodes, std::uint64_t size_hint);
  /// Errors: as finish(), as soon as a replica says so.
  asio::awaitable<Status> write(std::span<const std::byte> bytes);
  /// Ends the bodies. Errors, if the write must not go on: kNoSpace: a replica's disk is full (named); kOverloaded: it
  /// has no room for another write.
  asio::awaitable<Status> finish();
  /// The highest revision that a replica already has.
  [[nodiscard]] Revision highest() const { return highest_; }
  /// Commits at all that staged; those that did are added to `done`. The highest seq that a replica named as missing
  /// here.
  asio::awaitable<Seq> commit(const store::ObjectMeta& meta, Seq map_seq, std::set<NodeId>& done);
  /// Rolls back at all that staged.
  asio::awaitable<void> abort();

 private:
  struct Upload {
    NodeId node;
    std::string address;
    Seq as_of;  ///< of the map by which it is there
    std::unique_ptr<net::Exchange> exchange;
    std::optional<PeerGuard> guard;
    bool staged = false;
    std::optional<Error> failed;
    Seq named;
  };
  asio::awaitable<void> open(Upload& upload, std::uint64_t size_hint);
  asio::awaitable<void> write_one(Upload& upload, std::span<const std::byte> bytes);
  asio::awaitable<void> finish_one(Upload& upload);
  [[nodiscard]] Status refused() const;
  asio::awaitable<void> commit_one(Upload& upload, const store::ObjectMeta& meta, Seq map_seq, std::set<NodeId>& done);
  asio::awaitable<void> abort_one(Upload& upload);

  NodeContext& context_;
  ObjectId id_;
  std::string key_;
  std::string client_;
  std::string stage_name_;
  std::vector<std::unique_ptr<Upload>> uploads_;
  Revision highest_;
};

/// Sends the committed record `meta` (its body from this node's store) to `node`. Errors: kStale names in its detail
/// the seq that this node must reach first; kNoSpace: its disk is full; anything else: try again or give up.
asio::awaitable<Status> push_record(NodeContext& context, NodeId node, store::ObjectMeta meta, Seq map_seq);
/// The same where `node` has the body already, as that of its revision `body_of`: only the fields are sent. Errors
/// also: kNotFound if it has not.
asio::awaitable<Status> push_without_body(NodeContext& context, NodeId node, store::ObjectMeta meta, Revision body_of,
                                          Seq map_seq);

}  // namespace brigade::node
