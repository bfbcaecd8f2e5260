// Brings this node's copy of shared parts in line with a sibling's: digests, lists, and the objects that differ.
// Source: design §5 Filling; §9 "A proof of redundancy".
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"
#include "sibling_lists.h"

#include <chrono>
#include <cstdint>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "brigade/base/result.h"

namespace brigade::node {

class Fetcher {
 public:
  explicit Fetcher(NodeContext& context) : context_(context), places_(context.executor, kParallel) {}

  /// The parts whose digest at `source` is not ours. `as_of` is the map seq that the source must have applied.
  asio::awaitable<Result<std::vector<SharedPart>>> differing(NodeId source, Seq as_of, std::vector<SharedPart> parts);

  /// What `source` has of these parts, once it has finished writes that began before `as_of`.
  asio::awaitable<Result<std::vector<store::IndexEntry>>> listed(NodeId source, Seq as_of,
                                                                 std::vector<SharedPart> parts);

  /// Fetches what `source` has newer. Returns what was here before, and is unknown_to() `source`. Errors: whatever kept
  /// it from being whole.
  asio::awaitable<Result<std::vector<store::IndexEntry>>> align(NodeId source, Seq as_of,
                                                                std::vector<SharedPart> parts);

  /// The one object, as `source` has it now. Success if a higher revision is here. Errors: kNotFound: it is gone there.
  asio::awaitable<Status> fetch_object(NodeId source, store::IndexEntry entry, Seq as_of);

  /// Both ways, between two that are in sync: the higher revision wins on both.
  asio::awaitable<Status> exchange(NodeId partner, Seq as_of, std::vector<SharedPart> parts);

 private:
  static constexpr std::size_t kParallel = 16;  ///< objects on the way at once

  asio::awaitable<Result<std::string>> ask(NodeId source, std::string target, Seq as_of,
                                           const std::vector<SharedPart>& parts);
  asio::awaitable<void> fetch_one(NodeId source, store::IndexEntry entry, Seq as_of, Status& outcome);
  asio::awaitable<Status> fetch_record(NodeId source, const ObjectId& id, Seq as_of);
  /// Keeps the rate below that of the context's FillPace.
  asio::awaitable<void> pace(std::uint64_t bytes);

  NodeContext& context_;
  Gate places_;
  std::chrono::steady_clock::time_point paced_until_;
};

}  // namespace brigade::node
