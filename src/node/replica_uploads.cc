#include "replica_uploads.h"

#include "object_response.h"
#include "record_fields.h"

#include <atomic>
#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::node {

namespace {

constexpr std::chrono::milliseconds kPeerTimeout{5000};
constexpr std::size_t kProblemBytesMax = 64 * 1024;
constexpr std::uint64_t kCopiedPerMs = 10'000;  ///< bytes, on a slow disk

std::string make_stage_name(NodeId self) {
  static std::atomic<std::uint64_t> count{0};
  return to_string(self) + "-" + std::to_string(count.fetch_add(1)) + "-" +
         std::to_string(boot_now().time_since_epoch().count());
}

/// The seq that a kStale problem names, none if it is no such problem.
Seq named_seq(const net::ResponseHead& head) {
  return Seq{parse_number(head.fields.find("Brigade-Wait-Seq").value_or("")).value_or(0)};
}

Error full_disk(const NodeContext& context, NodeId node) {
  return {Errc::kNoSpace,
          "the disk of " + NodeContext::name_of(context.view()->map, node) + " is full: free some space there"};
}

net::RequestHead record_request(const store::ObjectMeta& meta, Seq map_seq) {
  net::RequestHead head;
  head.method = "PUT";
  head.target = "/peer/object/" + to_string(meta.id);
  put_record_fields(head.fields, meta);
  head.fields.add(kMapSeqField, to_string(map_seq));
  return head;
}

/// What the answer to a pushed record means.
Status pushed(const NodeContext& context, NodeId node, const net::ResponseHead& answer) {
  if (answer.status == 200) return {};
  if (const Seq named = named_seq(answer)) return Error{Errc::kStale, to_string(named)};
  if (answer.status == 507) return full_disk(context, node);
  if (answer.status == 503)
    return Error{Errc::kOverloaded, NodeContext::name_of(context.view()->map, node) + " can't take it just now"};
  return Error{Errc::kUnavailable, "a replica answered " + std::to_string(answer.status)};
}

}  // namespace

ReplicaUploads::ReplicaUploads(NodeContext& context, ObjectId id, std::string key, std::string client)
    : context_(context),
      id_(id),
      key_(std::move(key)),
      client_(std::move(client)),
      stage_name_(make_stage_name(context.self)) {}

asio::awaitable<void> ReplicaUploads::begin(const std::vector<NodeId>& nodes, std::uint64_t size_hint) {
  const auto view = context_.view();
  TaskGroup group(context_.executor);
  for (NodeId node : nodes) {
    if (node == context_.self) continue;
    auto upload = std::make_unique<Upload>();
    upload->node = node;
    upload->address = NodeContext::peer_address(view->map, node);
    upload->as_of = view->map.seq();
    uploads_.push_back(std::move(upload));
    group.spawn(open(*uploads_.back(), size_hint));
  }
  co_await group.wait();
}

asio::awaitable<void> ReplicaUploads::open(Upload& upload, std::uint64_t size_hint) {
  net::RequestHead head;
  head.method = "PUT";
  head.target = "/peer/stage/" + to_string(id_) + "/" + stage_name_;
  head.fields.add(kKeyField, net::encode_key(key_));
  head.fields.add(kClientField, client_);
  const net::BodyFraming framing = size_hint > 0 ? net::BodyFraming::of_length(size_hint) : net::BodyFraming::chunked();
  auto exchange = co_await context_.peers.open(upload.address, std::move(head), framing, kPeerTimeout);
  if (exchange) {
    upload.exchange = std::move(*exchange);
    upload.guard.emplace(context_, upload.node, *upload.exchange);
  } else {
    upload.failed = exchange.error();
    context_.complain_about(upload.node, upload.as_of);
  }
}

asio::awaitable<Status> ReplicaUploads::write(std::span<const std::byte> bytes) {
  if (uploads_.size() == 1) {  // no need to run beside anything
    co_await write_one(*uploads_.front(), bytes);
    co_return refused();
  }
  TaskGroup group(context_.executor);
  for (auto& upload : uploads_) group.spawn(write_one(*upload, bytes));
  co_await group.wait();
  co_return refused();
}

asio::awaitable<void> ReplicaUploads::write_one(Upload& upload, std::span<const std::byte> bytes) {
  if (upload.failed) co_return;
  auto written = co_await upload.exchange->write(bytes);
  if (written) co_return;
  // An early answer ends writing, and is read at once: of a refusal the client hears before it has sent all.
  if (written.error().code() == Errc::kClosed)
    co_await finish_one(upload);
  else
    upload.failed = written.error();
}

asio::awaitable<Status> ReplicaUploads::finish() {
  TaskGroup group(context_.executor);
  for (auto& upload : uploads_) group.spawn(finish_one(*upload));
  co_await group.wait();
  co_return refused();
}

Status ReplicaUploads::refused() const {
  for (const auto& upload : uploads_)
    if (upload->failed && (upload->failed->code() == Errc::kNoSpace || upload->failed->code() == Errc::kOverloaded))
      return *upload->failed;
  return {};
}

asio::awaitable<void> ReplicaUploads::finish_one(Upload& upload) {
  if (upload.failed || upload.staged) co_return;
  auto answered = co_await upload.exchange->response();
  if (!answered) {
    upload.failed = answered.error();
    co_return;
  }
  const int status = answered->status;
  const bool is_overloaded = says_overloaded(*answered);
  auto body = co_await upload.exchange->read_all(kProblemBytesMax);
  if (status == 200 && body) {
    upload.staged = true;
    highest_ =
        std::max(highest_, parse_revision(answered->fields.find(kRevisionField).value_or("")).value_or(Revision{}));
  } else if (status == 507) {
    upload.failed = full_disk(context_, upload.node);
  } else if (is_overloaded) {
    upload.failed = Error{Errc::kOverloaded, NodeContext::name_of(context_.view()->map, upload.node) +
                                                 " has as many writes under way as it can hold: ask again"};
  } else {
    upload.failed = Error{Errc::kUnavailable, "a replica answered " + std::to_string(status)};
  }
}

asio::awaitable<Seq> ReplicaUploads::commit(const store::ObjectMeta& meta, Seq map_seq, std::set<NodeId>& done) {
  TaskGroup group(context_.executor);
  for (auto& upload : uploads_)
    if (upload->staged) group.spawn(commit_one(*upload, meta, map_seq, done));
  co_await group.wait();
  Seq named;
  for (auto& upload : uploads_) named = std::max(named, upload->named);
  co_return named;
}

asio::awaitable<void> ReplicaUploads::commit_one(Upload& upload, const store::ObjectMeta& meta, Seq map_seq,
                                                 std::set<NodeId>& done) {
  net::RequestHead head;
  head.method = "POST";
  head.target = "/peer/commit/" + stage_name_;
  put_record_fields(head.fields, meta);
  head.fields.add(kMapSeqField, to_string(map_seq));
  std::string none;
  auto answer =
      co_await context_.peers.fetch(upload.address, std::move(head), std::move(none), kProblemBytesMax, kPeerTimeout);
  if (!answer) co_return;
  if (answer->first.status == 200) done.insert(upload.node);
  upload.named = named_seq(answer->first);
}

asio::awaitable<void> ReplicaUploads::abort() {
  TaskGroup group(context_.executor);
  for (auto& upload : uploads_) {
    if (upload->staged) group.spawn(abort_one(*upload));
    if (!upload->staged && upload->exchange) upload->exchange->cancel();
  }
  co_await group.wait();
}

asio::awaitable<void> ReplicaUploads::abort_one(Upload& upload) {
  net::RequestHead head;
  head.method = "POST";
  head.target = "/peer/abort/" + stage_name_;
  std::string none;
  co_await context_.peers.fetch(upload.address, std::move(head), std::move(none), kProblemBytesMax, kPeerTimeout);
}

asio::awaitable<Status> push_record(NodeContext& context, NodeId node, store::ObjectMeta meta, Seq map_seq) {
  net::RequestHead head = record_request(meta, map_seq);
  OpenedObject object;
  if (!meta.tombstone) {
    auto opened = co_await open_object(context, meta.id, meta.key);
    if (!opened && opened.error().code() == Errc::kOverloaded) co_return opened.error();
    // A later write may have replaced it: what is there then is no body of this record.
    if (!opened || opened->reader->meta().revision != meta.revision)
      co_return Error{Errc::kConflict, "the record is not here any more"};
    object = std::move(*opened);
  }
  const net::BodyFraming framing = net::BodyFraming::of_length(meta.tombstone ? 0 : meta.size);
  std::string address = NodeContext::peer_address(context.view()->map, node);
  auto exchange = co_await context.peers.open(std::move(address), std::move(head), framing, kPeerTimeout);
  if (!exchange) co_return exchange.error();
  if (!meta.tombstone) {
    auto written = co_await (*exchange)->write(object.here());
    std::vector<std::byte> buffer(kBufferBytes);
    for (std::uint64_t at = object.here().size(); written && at < meta.size;) {
      store::ObjectReader* reader = object.reader.get();
      auto visit = [reader, at, &buffer] { return reader->read(at, buffer); };
      auto read = co_await context.disk.run(std::move(visit));
      if (!read) co_return read.error();
      written = co_await (*exchange)->write(std::span<const std::byte>(buffer).first(*read));
      at += *read;
    }
  }
  auto answered = co_await (*exchange)->response();
  if (!answered) co_return answered.error();
  const net::ResponseHead answer = *answered;
  co_await (*exchange)->read_all(kProblemBytesMax);
  co_return pushed(context, node, answer);
}

asio::awaitable<Status> push_without_body(NodeContext& context, NodeId node, store::ObjectMeta meta, Revision body_of,
                                          Seq map_seq) {
  net::RequestHead head = record_request(meta, map_seq);
  head.fields.add(kBodyOfField, to_string(body_of));
  std::string address = NodeContext::peer_address(context.view()->map, node);
  // It copies the body from disk to disk before it answers.
  const auto timeout = kPeerTimeout + std::chrono::milliseconds{meta.size / kCopiedPerMs};
  std::string none;
  auto answer =
      co_await context.peers.fetch(std::move(address), std::move(head), std::move(none), kProblemBytesMax, timeout);
  if (!answer) co_return answer.error();
  // 400: an older program, to which a record without a body is one with a wrong checksum.
  const int status = answer->first.status;
  if (status == 404 || status == 400) co_return Error{Errc::kNotFound, "the body is not there"};
  co_return pushed(context, node, answer->first);
}

}  // namespace brigade::node
