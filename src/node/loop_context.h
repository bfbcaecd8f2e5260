// What the requests of one event loop share.
// Concept: a node has one loop for the whole data plane, and may have more of them that serve reads (read_loop.h). Each
//          has a context of its own: nothing in it is shared between loops but what any thread may use.
// Thread:  the loop's executor, except where said.
#pragma once

#include "async_tools.h"
#include "blocking_pool.h"
#include "data_stats.h"
#include "withheld.h"
#include "work.h"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/net/http_client.h"
#include "brigade/net/http_server.h"
#include "brigade/node/config.h"
#include "brigade/node/control.h"
#include "brigade/replication/placement_view.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

/// For any thread.
struct LoopsShare {
  Withheld withheld;
  Admissions admissions;
};

struct LoopContext {
  LoopContext(const asio::any_io_executor& executor_in, const Config& config_in, NodeId self_in, Control& control_in,
              store::ObjectStore& store_in, net::HttpClient& peers_in, BlockingPool& disk_in, LoopsShare& shared)
      : executor(executor_in),
        config(config_in),
        self(self_in),
        naming{config_in.naming_seed},
        control(control_in),
        store(store_in),
        peers(peers_in),
        disk(disk_in),
        withheld(shared.withheld),
        admissions(shared.admissions) {}

  asio::any_io_executor executor;
  const Config& config;
  NodeId self;
  NamingSecret naming;
  Control& control;
  store::ObjectStore& store;
  net::HttpClient& peers;  ///< of this loop
  BlockingPool& disk;
  Withheld& withheld;
  Admissions& admissions;
  DataStats stats;

  [[nodiscard]] std::shared_ptr<const View> view() const { return control.view(); }
  /// By the map, and not given up meanwhile.
  [[nodiscard]] bool serves(const cluster::ClusterMap& map, BucketId bucket) const;
  /// This node, as the nearest of the in-sync replicas of the object's level that it is; nothing if it has no copy.
  [[nodiscard]] std::optional<replication::ReadCandidate> held_copy(const cluster::ClusterMap& map,
                                                                    const ObjectId& id) const;
  /// Waits until the map has reached `seq`; false at the deadline.
  asio::awaitable<bool> wait_for_seq(Seq seq, std::chrono::steady_clock::time_point deadline);
  /// Waits for any new view, or until `deadline`.
  asio::awaitable<void> wait_for_view(std::chrono::steady_clock::time_point deadline);
  /// may_serve(), after a short wait if the node follows a coordinator and only lags: while buckets move, a grant can
  /// name a map that is still on its way here.
  asio::awaitable<bool> may_serve_soon();
  /// Peer address of a node, empty if it is not in the roster.
  [[nodiscard]] static std::string peer_address(const cluster::ClusterMap& map, NodeId node);
  [[nodiscard]] static std::string name_of(const cluster::ClusterMap& map, NodeId node);
  /// On whose behalf a request comes: the client, also where another node passes it on; else that node.
  [[nodiscard]] static std::string asker(const net::Request& request);
  /// Room for a request, until it is answered; nothing if there is none, and the answer is to be send_overloaded().
  [[nodiscard]] std::optional<Admission::Place> enter(Work work, const net::Request& request, std::uint64_t bytes);
  /// A node that has just not answered is asked last for a while, so that not every request waits for it.
  void suspect(NodeId node) { suspects_[node] = std::chrono::steady_clock::now() + std::chrono::seconds{1}; }
  [[nodiscard]] bool is_suspect(NodeId node) const {
    const auto at = suspects_.find(node);
    return at != suspects_.end() && std::chrono::steady_clock::now() < at->second;
  }

 private:
  std::map<NodeId, std::chrono::steady_clock::time_point> suspects_;
};

}  // namespace brigade::node
