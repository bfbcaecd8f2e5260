#include "own_store.h"

#include "object_response.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace brigade::node {

namespace {

/// The store knows its folder; who asks, maybe through other nodes, must hear which node that is.
Error with_node(const NodeContext& context, const Error& error) {
  if (error.code() != Errc::kNoSpace) return error;
  return {Errc::kNoSpace, "the disk of " + context.config.name + " is full: " + error.detail()};
}

asio::awaitable<void> wait_until_gone(NodeContext& context, ObjectId id) {
  while (context.fresh.going.contains(id)) co_await pause_for(std::chrono::milliseconds{1});
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_here(NodeContext& context, ObjectId id,
                                                                         std::string key, std::uint64_t size_hint,
                                                                         ReadSome read_some) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kBufferBytes, std::max<std::uint64_t>(size_hint, 4096)));
  std::unique_ptr<store::StagedObject> staged;
  bool ended = false;
  while (!ended) {
    // Small bodies gather in the buffer, so that the disk is visited once.
    std::size_t have = 0;
    while (have < buffer.size()) {
      auto read = co_await read_some(std::span(buffer).subspan(have));
      if (!read) co_return read.error();
      if (*read == 0) {
        ended = true;
        break;
      }
      have += *read;
    }
    context.stats.bytes_in += have;
    if (have == buffer.size() && buffer.size() < kBufferBytes && !ended) buffer.resize(kBufferBytes);
    store::ObjectStore* store = &context.store;
    auto visit = [&, store, have, ended]() -> Status {
      if (!staged) {
        auto fresh = store->stage(id, key, size_hint);
        if (!fresh) return fresh.error();
        staged = std::move(*fresh);
      }
      if (auto written = staged->write(std::span<const std::byte>(buffer).first(have)); !written)
        return written.error();
      return ended ? staged->finish() : Status{};
    };
    auto done = co_await context.disk.run(std::move(visit));
    if (!done) co_return with_node(context, done.error());
  }
  co_return std::move(staged);
}

asio::awaitable<Result<store::ObjectMeta>> commit_here(NodeContext& context, ObjectId id,
                                                       std::unique_ptr<store::StagedObject> staged,
                                                       store::CommitInfo info, Seq map_seq) {
  auto token = context.commits.begin(map_seq);
  if (context.fresh.going.contains(id)) co_await wait_until_gone(context, id);
  context.fresh.note(id, context.view()->map.seq());
  store::ObjectStore* store = &context.store;
  auto start = [store, staged = std::move(staged), info = std::move(info)](store::ObjectStore::Done tell) mutable {
    store->commit(std::move(staged), info, std::move(tell));
  };
  auto done = co_await context.disk.complete<Result<store::ObjectMeta>>(std::move(start));
  if (!done) co_return with_node(context, done.error());
  co_return std::move(done);
}

asio::awaitable<Result<store::ObjectMeta>> remove_here(NodeContext& context, ObjectId id, std::string key,
                                                       store::CommitInfo info, Seq map_seq) {
  auto token = context.commits.begin(map_seq);
  if (context.fresh.going.contains(id)) co_await wait_until_gone(context, id);
  context.fresh.note(id, context.view()->map.seq());
  store::ObjectStore* store = &context.store;
  auto start = [store, id, key = std::move(key), info = std::move(info)](store::ObjectStore::Done tell) {
    store->remove(id, key, info, std::move(tell));
  };
  auto done = co_await context.disk.complete<Result<store::ObjectMeta>>(std::move(start));
  if (!done) co_return with_node(context, done.error());
  co_return std::move(done);
}

asio::awaitable<bool> has_here(NodeContext& context, store::ObjectMeta meta) {
  if (context.fresh.going.contains(meta.id)) co_await wait_until_gone(context, meta.id);
  context.fresh.note(meta.id, context.view()->map.seq());
  const auto here = context.store.find(meta.id);
  co_return here && here->revision == meta.revision && here->tombstone == meta.tombstone && here->level == meta.level &&
      !here->corrupt;
}

asio::awaitable<Status> forget_here(NodeContext& context, ObjectId id, Revision revision) {
  context.fresh.going.insert(id);
  store::ObjectStore* store = &context.store;
  auto visit = [store, id, revision] { return store->forget(id, revision); };
  auto gone = co_await context.disk.run(std::move(visit));
  context.fresh.going.erase(context.fresh.going.find(id));
  co_return std::move(gone);
}

}  // namespace brigade::node
