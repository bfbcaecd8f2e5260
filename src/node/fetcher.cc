#include "fetcher.h"

#include "object_response.h"
#include "own_store.h"
#include "record_fields.h"
#include "replica_uploads.h"

#include <algorithm>
#include <map>
#include <utility>

#include "brigade/net/http_client.h"

namespace brigade::node {

namespace {
constexpr std::chrono::milliseconds kPeerTimeout{5000};
constexpr std::size_t kAnswerBytesMax = std::size_t{256} << 20;
}  // namespace

asio::awaitable<Result<std::string>> Fetcher::ask(NodeId source, std::string target, Seq as_of,
                                                  const std::vector<SharedPart>& parts) {
  std::string body;
  for (const SharedPart& part : parts) body += part_line(part);
  net::RequestHead head;
  head.method = "POST";
  head.target = std::move(target);
  head.fields.add(kMapSeqField, to_string(as_of));
  std::string address = NodeContext::peer_address(context_.view()->map, source);
  auto answer = co_await context_.peers.fetch(std::move(address), std::move(head), std::move(body), kAnswerBytesMax,
                                              kPeerTimeout);
  if (!answer) co_return answer.error();
  if (answer->first.status != 200)
    co_return Error{Errc::kUnavailable, "a sibling answered " + std::to_string(answer->first.status)};
  co_return std::move(answer->second);
}

asio::awaitable<Result<std::vector<SharedPart>>> Fetcher::differing(NodeId source, Seq as_of,
                                                                    std::vector<SharedPart> parts) {
  auto body = co_await ask(source, "/peer/digests", as_of, parts);
  if (!body) co_return body.error();
  auto theirs = parse_digests(*body, parts);
  if (!theirs) co_return theirs.error();
  std::vector<SharedPart> unequal;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (context_.store.digest(parts[i].home, parts[i].level.value) != (*theirs)[i]) unequal.push_back(parts[i]);
  co_return std::move(unequal);
}

asio::awaitable<Result<std::vector<store::IndexEntry>>> Fetcher::listed(NodeId source, Seq as_of,
                                                                        std::vector<SharedPart> parts) {
  auto body = co_await ask(source, "/peer/list", as_of, parts);
  if (!body) co_return body.error();
  auto entries = parse_entries(*body);
  co_return std::move(entries);
}

asio::awaitable<Result<std::vector<store::IndexEntry>>> Fetcher::align(NodeId source, Seq as_of,
                                                                       std::vector<SharedPart> parts) {
  // What is here is listed first: whatever is committed after this moment is no leftover.
  std::vector<store::IndexEntry> ours;
  for (const SharedPart& part : parts)
    for (const store::IndexEntry& e : context_.store.list(part.home, part.level.value)) ours.push_back(e);
  auto theirs = co_await listed(source, as_of, parts);
  if (!theirs) co_return theirs.error();

  Status outcome;
  TaskGroup group(context_.executor);
  for (const store::IndexEntry& e : *theirs) {
    const auto here = context_.store.find(e.id);
    if (here && here->revision >= e.revision && !here->corrupt) continue;
    co_await places_.enter();
    group.spawn(fetch_one(source, e, as_of, outcome));
  }
  co_await group.wait();
  if (!outcome) co_return outcome.error();

  co_return unknown_to(*theirs, std::move(ours));
}

asio::awaitable<Status> Fetcher::exchange(NodeId partner, Seq as_of, std::vector<SharedPart> parts) {
  auto aligned = co_await align(partner, as_of, parts);
  if (!aligned) co_return aligned.error();
  auto theirs = co_await listed(partner, as_of, parts);
  if (!theirs) co_return theirs.error();
  std::map<ObjectId, Revision> known;
  for (const store::IndexEntry& e : *theirs) known[e.id] = e.revision;
  for (const SharedPart& part : parts) {
    for (const store::IndexEntry& e : context_.store.list(part.home, part.level.value)) {
      if (e.corrupt || known[e.id] >= e.revision) continue;
      store::ObjectStore* store = &context_.store;
      auto visit = [store, id = e.id] { return store->meta(id); };
      auto meta = co_await context_.disk.run(std::move(visit));
      if (!meta) continue;
      store::ObjectMeta record = std::move(*meta);
      auto pushed = co_await push_record(context_, partner, std::move(record), context_.view()->map.seq());
      const bool is_settled =
          pushed || pushed.error().code() == Errc::kStale || pushed.error().code() == Errc::kConflict;
      if (!is_settled) co_return pushed.error();  // otherwise a later write came between, here or there
    }
  }
  co_return Status{};
}

asio::awaitable<Status> Fetcher::fetch_object(NodeId source, store::IndexEntry entry, Seq as_of) {
  co_await pace(entry.size);
  auto fetched = co_await fetch_record(source, entry.id, as_of);
  co_return std::move(fetched);
}

asio::awaitable<void> Fetcher::fetch_one(NodeId source, store::IndexEntry entry, Seq as_of, Status& outcome) {
  auto fetched = co_await fetch_object(source, entry, as_of);
  if (!fetched) outcome = fetched.error();
  places_.leave();
}

asio::awaitable<Status> Fetcher::fetch_record(NodeId source, const ObjectId& id, Seq as_of) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/fetch/" + to_string(id);
  std::string address = NodeContext::peer_address(context_.view()->map, source);
  const net::BodyFraming none = net::BodyFraming::none();
  auto exchange = co_await context_.peers.open(std::move(address), std::move(head), none, kPeerTimeout);
  if (!exchange) co_return exchange.error();
  auto answered = co_await (*exchange)->response();
  if (!answered) co_return answered.error();
  if (answered->status == 404) co_return Error{Errc::kNotFound, "an object is gone since it was listed"};
  if (answered->status != 200)
    co_return Error{Errc::kUnavailable, "a sibling answered " + std::to_string(answered->status)};
  auto meta = take_record_fields(answered->fields, id);
  if (!meta) co_return meta.error();
  if (has_expired(*meta, wall_now())) co_return Status{};
  store::CommitInfo info = commit_info(*meta);
  Result<store::ObjectMeta> done = Error{Errc::kInternal};
  if (meta->tombstone) {
    done = co_await remove_here(context_, id, meta->key, std::move(info), as_of);
  } else {
    net::Exchange* from = exchange->get();
    ReadSome read_some = [from](std::span<std::byte> buffer) { return from->read_some(buffer); };
    auto staged =
        co_await stage_here(context_, id, meta->key, from->content_length().value_or(0), std::move(read_some));
    if (!staged) co_return staged.error();
    if ((*staged)->checksum() != meta->checksum)
      co_return Error{Errc::kCorrupt, "what a sibling sent does not match its checksum"};
    context_.stats.fetched_bytes += (*staged)->size();
    done = co_await commit_here(context_, id, std::move(*staged), std::move(info), as_of);
  }
  ++context_.stats.fetched_objects;
  if (!done && done.error().code() != Errc::kStale) co_return done.error();
  co_return Status{};
}

asio::awaitable<void> Fetcher::pace(std::uint64_t bytes) {
  const std::uint64_t rate = context_.pace.bytes_per_second();
  if (rate == 0) co_return;
  const auto now = std::chrono::steady_clock::now();
  paced_until_ =
      std::max(paced_until_, now) + std::chrono::microseconds((bytes + FillPace::kObjectCost) * 1'000'000 / rate);
  if (paced_until_ > now) co_await pause_for(paced_until_ - now);
}

}  // namespace brigade::node
