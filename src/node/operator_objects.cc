#include "operator_objects.h"

#include "object_response.h"
#include "operator_answers.h"
#include "operator_endpoint.h"
#include "operator_json.h"
#include "operator_requests.h"
#include "record_fields.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBucketsPerVisit = 256;
constexpr std::chrono::seconds kScanMax{20};
constexpr std::chrono::seconds kPeerTimeout{25};
constexpr std::chrono::milliseconds kMapPatience{500};
constexpr std::size_t kPageBytesMax = std::size_t{16} << 20;
constexpr std::size_t kLimitMax = 1000;

struct Listed {
  std::uint64_t size = 0;
  std::uint32_t redundancy = 0;
  Revision revision;
  std::string modified;
};

/// The lowest keys so far, at most one more than wanted: the one more says that there are more.
class Page {
 public:
  explicit Page(const KeyQuery& query) : query_(query) {}

  void add(const std::string& key, Listed listed) {
    if (!key.starts_with(query_.prefix) || key <= query_.after) return;
    auto [at, fresh] = found_.try_emplace(key, listed);
    // Two nodes may both be primary by their own maps, for a moment.
    if (!fresh && at->second.revision < listed.revision) at->second = std::move(listed);
    if (found_.size() > query_.limit + 1) found_.erase(std::prev(found_.end()));
  }
  /// Somebody has more than it could say.
  void cut_off() { cut_off_ = true; }

  [[nodiscard]] json::object to_json() const {
    json::array objects;
    for (const auto& [key, listed] : found_) {
      if (objects.size() == query_.limit) break;
      objects.push_back(json::object{{"key", key},
                                     {"size", listed.size},
                                     {"redundancy", listed.redundancy},
                                     {"revision", to_string(listed.revision)},
                                     {"modified", listed.modified}});
    }
    const bool more = (cut_off_ || found_.size() > query_.limit) && !objects.empty();
    json::value next = more ? objects.back().get_object().at("key") : json::value(nullptr);
    return {{"objects", std::move(objects)}, {"next", std::move(next)}};
  }

 private:
  const KeyQuery& query_;
  std::map<std::string, Listed> found_;
  bool cut_off_ = false;
};

/// On the disk pool: what this node lists of home buckets [first, end).
void scan(const store::ObjectStore& index, store::ObjectStore& store, const View& view, NodeId self, std::size_t first,
          std::size_t end, Page& page) {
  for (std::size_t i = first; i < end; ++i) {
    const BucketId home{static_cast<std::uint16_t>(i)};
    for (const store::IndexEntry& entry : index.list(home)) {
      const placement::Level level{entry.level};
      if (entry.tombstone || replication::replica_set(view.map, entry.id, level).primary != self) continue;
      const auto meta = store.meta(entry.id);
      if (!meta || meta->tombstone) continue;  // gone since, or damaged: a sibling mends it
      Listed listed;
      listed.size = meta->size;
      listed.redundancy = level.redundancy();
      listed.revision = meta->revision;
      listed.modified = iso_time(meta->modified);
      page.add(meta->key, std::move(listed));
    }
  }
}

asio::awaitable<Status> list_here(NodeContext& context, Page& page) {
  const auto view = context.view();
  const auto deadline = Clock::now() + kScanMax;
  store::ObjectStore* store = &context.store;
  const NodeId self = context.self;
  for (std::size_t first = 0; first < kBucketCount; first += kBucketsPerVisit) {
    if (Clock::now() >= deadline)
      co_return Error{Errc::kUnavailable, "too many objects are stored here to list them: their keys are not indexed"};
    auto visit = [store, view, self, first, &page] {
      scan(*store, *store, *view, self, first, first + kBucketsPerVisit, page);
    };
    co_await context.disk.run_behind(std::move(visit));
  }
  co_return Status{};
}

/// False if the answer makes no sense.
bool take_page(const std::string& text, Page& page) {
  const auto object = parse_object(text);
  const json::value* objects = object ? object->if_contains("objects") : nullptr;
  const json::value* next = object ? object->if_contains("next") : nullptr;
  if (objects == nullptr || !objects->is_array() || next == nullptr) return false;
  for (const json::value& value : objects->get_array()) {
    const json::object* item = value.if_object();
    const json::string* key = item == nullptr ? nullptr : text_in(*item, "key");
    const json::string* revision_text = item == nullptr ? nullptr : text_in(*item, "revision");
    const json::string* modified = item == nullptr ? nullptr : text_in(*item, "modified");
    if (key == nullptr || revision_text == nullptr || modified == nullptr) return false;
    const auto revision = parse_revision(*revision_text);
    const json::value* size = item->if_contains("size");
    const json::value* redundancy = item->if_contains("redundancy");
    if (!revision || size == nullptr || !size->is_int64() || redundancy == nullptr || !redundancy->is_int64())
      return false;
    Listed listed;
    listed.size = static_cast<std::uint64_t>(size->get_int64());
    listed.redundancy = static_cast<std::uint32_t>(redundancy->get_int64());
    listed.revision = *revision;
    listed.modified = std::string(*modified);
    page.add(std::string(*key), std::move(listed));
  }
  if (!next->is_null()) page.cut_off();
  return true;
}

asio::awaitable<void> ask(NodeContext& context, std::string name, std::string address, Seq seq, const KeyQuery& query,
                          Page& page, json::array& unreachable) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/keys?limit=" + std::to_string(query.limit) + "&prefix=" + net::encode_key(query.prefix) +
                "&after=" + net::encode_key(query.after);
  head.fields.add(kMapSeqField, to_string(seq));
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kPageBytesMax, kPeerTimeout);
  if (!answer || answer->first.status != 200 || !take_page(answer->second, page))
    unreachable.push_back(json::value(name));
}

}  // namespace

asio::awaitable<Result<json::object>> list_all_objects(NodeContext& context, const KeyQuery& query) {
  const auto view = context.view();
  Page others(query);
  Page page(query);
  json::array unreachable;
  TaskGroup questions(context.executor);
  for (const cluster::RosterEntry& entry : view->map.roster())
    if (entry.up && entry.node.id != context.self)
      questions.spawn(ask(context, entry.node.name, entry.node.peer, view->map.seq(), query, others, unreachable));
  // The own part is written by the disk pool, so it has a page of its own until that is done.
  const Status here = co_await list_here(context, page);
  co_await questions.wait();
  if (!here) co_return here.error();
  const bool merged = take_page(json_text(others.to_json()), page);
  if (!merged) co_return Error{Errc::kInternal, "the lists of the nodes can't be merged"};
  json::object body = page.to_json();
  body["unreachable"] = std::move(unreachable);
  body["unknown_buckets"] = unknown_buckets(view->map);
  co_return body;
}

asio::awaitable<void> handle_peer_keys(NodeContext& context, net::Request& request, net::Response& response) {
  const std::string query(net::split_target(request.head().target).second);
  auto prefix = query_text(query, "prefix");
  auto after = query_text(query, "after");
  auto limit = query_number(query, "limit", kLimitMax, kLimitMax);
  auto seq = take_map_seq(request.head().fields);
  if (!prefix || !after || !limit || !seq) {
    Error error = !prefix ? prefix.error() : !after ? after.error() : !limit ? limit.error() : seq.error();
    co_await send_problem(response, std::move(error));
    co_return;
  }
  co_await context.wait_for_seq(*seq, Clock::now() + kMapPatience);
  if (!context.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*context.view()));
    co_return;
  }
  const KeyQuery wanted(std::move(*prefix), std::move(*after), std::max<std::uint64_t>(*limit, 1));
  Page page(wanted);
  const Status done = co_await list_here(context, page);
  if (!done) {
    co_await send_problem(response, done.error());
    co_return;
  }
  co_await send_json(response, page.to_json());
}

}  // namespace brigade::node
