#include "loop_context.h"

#include "record_fields.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "brigade/placement/replicas.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

bool LoopContext::serves(const cluster::ClusterMap& map, BucketId bucket) const {
  return replication::serves(map, self, bucket) && !withheld.holds_back(map, self, bucket);
}

std::optional<replication::ReadCandidate> LoopContext::held_copy(const cluster::ClusterMap& map,
                                                                 const ObjectId& id) const {
  const auto held = store.find(id);
  if (!held || held->tombstone || held->corrupt) return std::nullopt;
  for (std::uint32_t j = 0; j < placement::Level{held->level}.redundancy(); ++j) {
    const BucketId bucket = placement::by_distance(placement::home_bucket(id), j);
    if (serves(map, bucket)) return replication::ReadCandidate{self, bucket, j < map.settings().min_redundancy};
  }
  return std::nullopt;
}

asio::awaitable<void> LoopContext::wait_for_view(std::chrono::steady_clock::time_point deadline) {
  asio::steady_timer timer(executor, deadline);
  // Views come from another thread; short turns of an own timer need no hand-over and end by themselves.
  const auto before = control.view();
  constexpr auto kTurn = std::chrono::milliseconds{5};
  while (control.view() == before && std::chrono::steady_clock::now() < deadline) {
    timer.expires_at(std::min(deadline, std::chrono::steady_clock::now() + kTurn));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<bool> LoopContext::wait_for_seq(Seq seq, std::chrono::steady_clock::time_point deadline) {
  while (control.view()->map.seq() < seq) {
    if (std::chrono::steady_clock::now() >= deadline) co_return false;
    co_await wait_for_view(deadline);
  }
  co_return true;
}

asio::awaitable<bool> LoopContext::may_serve_soon() {
  constexpr std::chrono::milliseconds kLagMax{200};
  const auto deadline = std::chrono::steady_clock::now() + kLagMax;
  while (!control.may_serve()) {
    const auto now = std::chrono::steady_clock::now();
    if (view()->state != cluster::State::kNormal || now >= deadline) co_return false;
    co_await pause_for(std::chrono::milliseconds{2});
  }
  co_return true;
}

std::string LoopContext::peer_address(const cluster::ClusterMap& map, NodeId node) {
  const cluster::RosterEntry* entry = map.node(node);
  return entry == nullptr ? std::string() : entry->node.peer;
}

std::string LoopContext::name_of(const cluster::ClusterMap& map, NodeId node) {
  const cluster::RosterEntry* entry = map.node(node);
  return entry == nullptr ? to_string(node) : entry->node.name;
}

std::string LoopContext::asker(const net::Request& request) {
  if (!request.peer()) return client_of(request.remote());
  const auto client = request.head().fields.find(kClientField);
  return client ? std::string(*client) : to_string(*request.peer());
}

std::optional<Admission::Place> LoopContext::enter(Work work, const net::Request& request, std::uint64_t bytes) {
  return admissions.enter(work, asker(request), bytes, config);
}

}  // namespace brigade::node
