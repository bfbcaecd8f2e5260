// Lets the store read all it has, at the rate that the setting asks for.  Source: design §5 (a scrub reads everything
// at a set rate), settings `scrub_period`.
// Concept: a pass follows the other, each as long as the period: so many bytes per second as that takes. An operator's
//          pass begins at once and goes as fast as kScrubFastBytesPerSecond. What is found is the repairer's.
// Thread:  the data plane's executor; the reading is done on the disk pool, a piece at a time.
#pragma once

#include "node_context.h"

#include <cstdint>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

namespace brigade::node {

inline constexpr std::uint64_t kScrubFastBytesPerSecond = std::uint64_t{256} << 20;

class ScrubTask {
 public:
  explicit ScrubTask(NodeContext& context) : context_(context) {}
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  NodeContext& context_;
  bool stopped_ = false;
};

/// Begins a pass now, unless one that an operator asked for is under way. Returns how many will have ended with it.
std::uint64_t begin_scrub(NodeContext& context);

/// What the rate of a pass is: all within the period. 0: there is nothing to read, or scrubbing is switched off.
std::uint64_t scrub_rate(std::uint64_t bytes_total, Duration period);

/// `scrub` of GET /cluster.
boost::json::object scrub_json(const NodeContext& context);

}  // namespace brigade::node
