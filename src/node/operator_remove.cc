#include "operator_remove.h"

#include "drawn_id.h"
#include "object_response.h"
#include "operator_answers.h"
#include "operator_json.h"
#include "operator_requests.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "brigade/cluster/holdings.h"
#include "brigade/replication/filling.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {
namespace {

namespace json = boost::json;

constexpr std::size_t kKeysMax = 10;
constexpr std::chrono::seconds kPeerTimeout{5};
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

using Keys = std::set<std::string>;

/// One of the level's replica buckets is the node's, and none is in sync.
bool is_alone(const cluster::ClusterMap& map, BucketId home, placement::Level level, NodeId node) {
  bool is_its = false;
  for (std::uint32_t j = 0; j < level.redundancy(); ++j)
    is_its = is_its || map.cell(placement::by_distance(home, j)).owner == node;
  return is_its && replication::in_sync_nodes(map, home, level).empty();
}

/// On the disk pool.
Keys keys_here(store::ObjectStore& store, const cluster::ClusterMap& map, NodeId node) {
  Keys keys;
  for (std::size_t i = 0; i < kBucketCount && keys.size() < kKeysMax; ++i) {
    const BucketId home{static_cast<std::uint16_t>(i)};
    if (map.is_in_sync(home)) continue;
    for (const store::IndexEntry& entry : store.list(home)) {
      if (entry.tombstone || !is_alone(map, home, placement::Level{entry.level}, node)) continue;
      const auto meta = store.meta(entry.id);
      if (meta && !meta->tombstone) keys.insert(meta->key);
      if (keys.size() >= kKeysMax) break;
    }
  }
  return keys;
}

asio::awaitable<Keys> ask_here(NodeContext& context, NodeId node) {
  const auto view = context.view();
  store::ObjectStore* store = &context.store;
  auto visit = [store, view, node] { return keys_here(*store, view->map, node); };
  co_return co_await context.disk.run(std::move(visit));
}

json::object keys_json(const Keys& keys) {
  return {{"keys", json::array(keys.begin(), keys.end())}};
}

asio::awaitable<void> ask_there(NodeContext& context, std::string address, NodeId node, Keys& keys) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/alone/" + to_string(node);
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kAnswerBytesMax, kPeerTimeout);
  if (!answer || answer->first.status != 200) co_return;  // its examples are missing, that is all
  const auto object = parse_object(answer->second);
  const json::value* list = object ? object->if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) co_return;
  for (const json::value& key : list->get_array())
    if (key.is_string()) keys.emplace(key.get_string());
}

}  // namespace

asio::awaitable<void> refuse_removal(NodeContext& context, NodeId node, Error error, net::Response& response) {
  const auto view = context.view();
  const cluster::Holdings held = cluster::holdings(view->map, node);
  Keys keys;
  if (held.alone > 0) {
    TaskGroup questions(context.executor);
    for (const cluster::RosterEntry& entry : view->map.roster())
      if (entry.up && entry.node.id != context.self && entry.node.id != node)
        questions.spawn(ask_there(context, entry.node.peer, node, keys));
    Keys own = co_await ask_here(context, node);
    co_await questions.wait();
    keys.merge(own);
    while (keys.size() > kKeysMax) keys.erase(std::prev(keys.end()));
  }
  std::string detail = error.detail();
  if (!keys.empty()) {
    detail += ". Some of the objects:";
    for (const std::string& key : keys) detail += " " + key;
  }
  const Error whole{error.code(), std::move(detail)};
  json::object body = parse_object(net::problem_json(whole, "")).value();
  body["buckets"] = held.owned;
  body["buckets_alone"] = held.alone;
  body["keys"] = keys_json(keys).at("keys");
  net::ResponseHead head = net::problem_head(whole);
  const std::string text = json_text(body);
  co_await response.send(std::move(head), text);
}

asio::awaitable<void> handle_peer_alone(NodeContext& context, std::string node, net::Response& response) {
  const auto id = parse_hex64(node);
  if (!id) {
    Error malformed{Errc::kInvalid, "a node's id has 16 hex digits"};
    co_await send_problem(response, std::move(malformed));
    co_return;
  }
  const Keys keys = co_await ask_here(context, NodeId{*id});
  co_await send_json(response, keys_json(keys));
}

}  // namespace brigade::node
