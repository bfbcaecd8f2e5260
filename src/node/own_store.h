// Writing to this node's own store, beside what else goes on here.  Source: design §5 Writes, Filling.
// Concept: whoever writes or forgets goes through these, so that lists wait for what is under way and filling knows
//          what is fresh.
// Thread:  the data plane's executor; the store is visited on the disk pool.
#pragma once

#include "node_context.h"
#include "sha256.h"

#include <functional>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "brigade/base/result.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

/// Reads a body into a new staged object, to its end. `digest`, if there is one, sees the bytes, too.
using ReadSome = std::function<asio::awaitable<Result<std::size_t>>(std::span<std::byte>)>;
asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_here(NodeContext& context, ObjectId id,
                                                                         std::string key, std::uint64_t size_hint,
                                                                         ReadSome read_some, Sha256* digest = nullptr);
/// The same with the body that the record here has. Errors: kNotFound unless that is of `revision`; as open_object.
asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_copy(NodeContext& context, ObjectId id,
                                                                         std::string key, Revision revision);
/// `map_seq`: of the map under which the write was made. Errors: the store's; a full disk's names this node.
asio::awaitable<Result<store::ObjectMeta>> commit_here(NodeContext& context, ObjectId id,
                                                       std::unique_ptr<store::StagedObject> staged,
                                                       store::CommitInfo info, Seq map_seq);
asio::awaitable<Result<store::ObjectMeta>> remove_here(NodeContext& context, ObjectId id, std::string key,
                                                       store::CommitInfo info, Seq map_seq);
/// True if the record is here, durable, so that a write of it, which counts as written now, has nothing to do.
asio::awaitable<bool> has_here(NodeContext& context, store::ObjectMeta meta);
/// Forgets the record, unless it is another one by now.
asio::awaitable<Status> forget_here(NodeContext& context, ObjectId id, Revision revision);

}  // namespace brigade::node
