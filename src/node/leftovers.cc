#include "leftovers.h"

#include "own_store.h"

namespace brigade::node {

namespace {

bool stays(const NodeContext& context, const replication::Filled& filled, FillPass& pass,
           const store::IndexEntry& entry) {
  const auto view = context.view();
  const SharedPart part{placement::home_bucket(entry.id), placement::Level{entry.level}};
  if (replication::vouches(view->map, context.self, part.home, part.level, filled)) return true;
  // Written since this node has its present part: it is on its way to the sibling, too.
  const auto began = pass.began.find(part);
  if (began == pass.began.end() || context.fresh.written_since(entry.id, began->second)) return true;
  const auto needed = replication::needed_by(view->map, context.self, part.home, part.level);
  if (needed) pass.kept.emplace(part, *needed);
  return needed.has_value();
}

}  // namespace

asio::awaitable<Status> settle_leftovers(NodeContext& context, const replication::Filled& filled, FillPass& pass,
                                         const std::vector<store::IndexEntry>& leftovers) {
  for (const store::IndexEntry& entry : leftovers) {
    if (stays(context, filled, pass, entry)) continue;
    pass.has_forgotten = true;
    auto gone = co_await forget_here(context, entry.id, entry.revision);
    if (!gone && gone.error().code() != Errc::kNotFound) co_return gone.error();
  }
  co_return Status{};
}

}  // namespace brigade::node
