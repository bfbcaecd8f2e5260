// Changes of the cluster that operators ask for, on their way to the coordinator and back.  Source: design §7 CLI.
// Concept: any node takes one, the coordinator appends it, and the answer is given when it is committed. A change that
//          was refused is tried again while that can help (no coordinator yet, another change of the roster under way);
//          one whose outcome is open is not.
// Thread:  the data plane's executor.
#pragma once

#include "node_context.h"

#include <boost/asio/awaitable.hpp>

#include "brigade/base/result.h"
#include "brigade/wire/transaction.h"

namespace brigade::node {

/// Commits `change` at this node, if it coordinates. Errors: as Control::propose.
asio::awaitable<Result<Position>> propose_here(NodeContext& context, wire::Change change);

/// Commits `change`, wherever the coordinator is, and waits until this node has applied it. Errors: as
/// Control::propose; kTimeout if the outcome is open.
asio::awaitable<Result<Seq>> propose_anywhere(NodeContext& context, wire::Change change);

}  // namespace brigade::node
