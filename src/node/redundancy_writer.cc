#include "redundancy_writer.h"

#include "object_response.h"
#include "own_store.h"
#include "put_request.h"
#include "record_fields.h"
#include "record_write.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::node {

namespace {

using placement::Level;

/// What the client asks for. Errors: kInvalid.
Result<Level> wanted_change(const Settings& settings, const net::Request& request) {
  const auto& framing = request.framing();
  const bool is_empty = framing.kind == net::BodyFraming::Kind::kNone ||
                        (framing.kind == net::BodyFraming::Kind::kLength && framing.length == 0);
  if (!is_empty) return Error{Errc::kInvalid, "a PUT with ?metadata takes no body: the object's bytes stay"};
  if (!request.head().fields.find(kRedundancyField))
    return Error{Errc::kInvalid, "say which redundancy the object is to get: Brigade-Redundancy"};
  return wanted_level(settings, request.head().fields);
}

/// Under the key's lock. The receipt. Errors: kNotPrimary while nothing has happened; as for any write.
asio::awaitable<Result<net::Fields>> change(NodeContext& context, ObjectId id, const std::string& key, Level level,
                                            const net::Fields& conditions) {
  RecordWrite write(context, id, key);
  // Whoever knows of all levels decides, as for a DELETE.
  const Level lowest = placement::level_of(context.view()->map.settings().min_redundancy).value_or(Level{0});
  auto found = co_await write.look_for_object(lowest, conditions);
  if (!found) co_return found.error();
  const store::ObjectMeta before = std::move(*found);
  net::Fields receipt;
  if (before.level == level.value) {
    receipt.add("ETag", net::make_etag(before.revision));
    receipt.add(kRevisionField, to_string(before.revision));
    receipt.add(kRedundancyField, std::to_string(level.redundancy()));
    co_return std::move(receipt);
  }
  auto staged = co_await stage_copy(context, id, key, before.revision);
  if (!staged) co_return staged.error();
  // Filling may have brought another revision meanwhile, and the map another primary.
  found = co_await write.look_for_object(lowest, conditions);
  if (!found) co_return found.error();
  if (found->revision != before.revision) co_return unavailable_error("the object has just changed: ask again");
  write.take_level(level);
  write.take_body_of(before.revision);
  if (const auto given = write.give_revision(); !given) co_return given.error();
  store::ObjectMeta& meta = write.meta();
  meta.size = before.size;
  meta.checksum = before.checksum;
  meta.content_type = before.content_type;
  meta.expires = before.expires;
  store::CommitInfo info = commit_info(meta);
  const auto here = co_await commit_here(context, id, std::move(*staged), std::move(info), context.view()->map.seq());
  if (!here && here.error().code() == Errc::kStale) co_return unavailable_error("a newer write is here: ask again");
  if (!here) co_return here.error();
  write.done().insert(context.self);
  const auto all = co_await write.complete(Seq{});
  if (!all) co_return all.error();
  receipt.add("ETag", net::make_etag(meta.revision));
  write.put_receipt(receipt);
  co_return std::move(receipt);
}

}  // namespace

bool changes_metadata(const net::RequestHead& head) {
  const auto query = net::query_value(net::split_target(head.target).second, "metadata");
  return head.method == "PUT" && query && *query;
}

asio::awaitable<bool> change_redundancy_as_primary(NodeContext& context, std::string key, const net::Request& request,
                                                   net::Response& response) {
  const auto level = wanted_change(context.view()->map.settings(), request);
  if (!level) {
    co_await send_problem(response, level.error());
    co_return true;
  }
  const ObjectId id = object_id(context.naming, key);
  if (context.key_locks.is_crowded(id)) {
    co_await send_overloaded(response);
    co_return true;
  }
  auto lock = co_await context.key_locks.acquire(id);
  auto receipt = co_await change(context, id, key, *level, request.head().fields);
  if (!receipt && receipt.error().code() == Errc::kNotPrimary) co_return false;
  if (!receipt) {
    co_await send_problem(response, receipt.error());
    co_return true;
  }
  net::ResponseHead head;
  head.status = 200;
  head.fields = std::move(*receipt);
  ++context.stats.puts;
  co_await response.send(std::move(head), "");
  co_return true;
}

}  // namespace brigade::node
