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

asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage(NodeContext& context, ObjectId id, std::string key,
                                                                    std::uint64_t size_hint, ReadSome read_some,
                                                                    Sha256* digest = nullptr) {
  auto staged = context.store.stage(id, key, size_hint);
  if (!staged) co_return with_node(context, staged.error());
  store::StagedObject* object = staged->get();
  // What is small stays in memory until it is committed: no work for the disk's threads.
  for (auto room = object->room(); !room.empty(); room = object->room()) {
    auto read = co_await read_some(room);
    if (!read) co_return read.error();
    if (*read == 0) {
      if (auto finished = object->finish(); !finished) co_return with_node(context, finished.error());
      co_return std::move(*staged);
    }
    if (digest != nullptr) digest->update(room.first(*read));
    object->filled(*read);
  }
  std::vector<std::byte> buffer(kBufferBytes);
  for (bool ended = false; !ended;) {
    std::size_t have = 0;
    while (have < buffer.size() && !ended) {
      auto read = co_await read_some(std::span(buffer).subspan(have));
      if (!read) co_return read.error();
      ended = *read == 0;
      have += *read;
    }
    auto visit = [bytes = std::span<const std::byte>(buffer).first(have), object, digest, ended]() -> Status {
      if (digest != nullptr) digest->update(bytes);
      if (auto written = object->write(bytes); !written) return written.error();
      return ended ? object->finish() : Status{};
    };
    auto done = co_await context.disk.run(std::move(visit));
    if (!done) co_return with_node(context, done.error());
  }
  co_return std::move(*staged);
}

}  // namespace

asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_here(NodeContext& context, ObjectId id,
                                                                         std::string key, std::uint64_t size_hint,
                                                                         ReadSome read_some, Sha256* digest) {
  auto staged = co_await stage(context, id, std::move(key), size_hint, std::move(read_some), digest);
  if (staged) context.stats.bytes_in += (*staged)->size();
  co_return std::move(staged);
}

asio::awaitable<Result<std::unique_ptr<store::StagedObject>>> stage_copy(NodeContext& context, ObjectId id,
                                                                         std::string key, Revision revision) {
  auto opened = co_await open_object(context, id, key);
  if (!opened) co_return opened.error();
  store::ObjectReader* reader = opened->reader.get();
  if (reader->meta().revision != revision) co_return Error{Errc::kNotFound, "another revision is here"};
  const std::uint64_t size = reader->meta().size;
  std::uint64_t at = 0;
  ReadSome read_some = [&context, &at, reader, size,
                        here = opened->here()](std::span<std::byte> buffer) -> asio::awaitable<Result<std::size_t>> {
    std::size_t count = std::min<std::uint64_t>(buffer.size(), size - at);
    if (at < here.size()) {
      count = std::min(count, here.size() - static_cast<std::size_t>(at));
      std::ranges::copy(here.subspan(at, count), buffer.begin());
    } else if (count > 0) {
      auto visit = [reader, at, room = buffer.first(count)] { return reader->read(at, room); };
      auto read = co_await context.disk.run(std::move(visit));
      if (!read) co_return read.error();
      count = *read;
    }
    at += count;
    co_return count;
  };
  auto staged = co_await stage(context, id, std::move(key), size, std::move(read_some));
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
    return store->commit(std::move(staged), info, std::move(tell));
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
    return store->remove(id, key, info, std::move(tell));
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
