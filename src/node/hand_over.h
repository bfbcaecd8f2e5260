// A node that is about to stop lets the others go on without it.  Source: design §4 "Failure of a node".
// Concept: it tells the coordinator that it can't be reached, and goes on serving its peers meanwhile. So it is
// confirmed
//          no more, its lease runs out, and it is taken out right then, with stand-ins in its place: nobody has to find
//          out by waiting for it. A coordinator has nobody to tell: when it stops, the others elect the next one.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <boost/asio/awaitable.hpp>

namespace brigade::node {

/// Returns when the log says that this node is down, or when there is nobody, or no time, to wait for.
asio::awaitable<void> hand_over(NodeContext& context);

}  // namespace brigade::node
