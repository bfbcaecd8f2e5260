#include "operator_verify.h"

#include "object_response.h"
#include "operator_answers.h"
#include "operator_json.h"
#include "operator_requests.h"
#include "record_fields.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace brigade::node {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPeerTimeout{120};
constexpr std::chrono::milliseconds kMapPatience{500};
constexpr std::size_t kAnswerBytesMax = std::size_t{16} << 20;
constexpr std::size_t kToldMax = 100;  ///< of each node
constexpr std::string_view kNumbers[] = {"records", "short", "crowded", "compared", "mended", "differing"};
constexpr std::string_view kLists[] = {"differences", "shortages", "silent"};

/// On the disk pool: the keys of what differs, where a record of it is here.
void add_keys(store::ObjectStore& store, json::array& differences) {
  for (json::value& difference : differences) {
    json::object& told = difference.get_object();
    const json::string* hex = text_in(told, "id");
    const auto id = hex == nullptr ? std::nullopt : parse_object_id(*hex);
    const auto meta = id ? store.meta(*id) : Result<store::ObjectMeta>(Error{Errc::kNotFound});
    if (meta) told["key"] = meta->key;
  }
}

asio::awaitable<json::object> verify_here(NodeContext& context) {
  Comparer comparer(context);
  const Comparison comparison = co_await comparer.compare_all();
  json::object body = comparison_json(context.view()->map, context.self, comparison);
  json::array* differences = &body.at("differences").get_array();
  store::ObjectStore* store = &context.store;
  auto visit = [store, differences] { add_keys(*store, *differences); };
  if (!differences->empty()) co_await context.disk.run_behind(std::move(visit));
  co_return body;
}

asio::awaitable<void> ask(NodeContext& context, std::string name, std::string address, Seq seq,
                          std::vector<json::object>& parts) {
  net::RequestHead head;
  head.method = "GET";
  head.target = "/peer/verify";
  head.fields.add(kMapSeqField, to_string(seq));
  auto answer = co_await context.peers.fetch(std::move(address), std::move(head), {}, kAnswerBytesMax, kPeerTimeout);
  if (answer && answer->first.status == 200) {
    auto body = parse_object(answer->second);
    if (body && add_up({*body})) {
      parts.push_back(std::move(*body));
      co_return;
    }
  }
  Comparison nothing;
  json::object silent = comparison_json(context.view()->map, context.self, nothing);
  silent["silent"] = json::array{json::value(name)};
  parts.push_back(std::move(silent));
}

}  // namespace

json::object comparison_json(const cluster::ClusterMap& map, NodeId self, const Comparison& comparison) {
  std::uint64_t missing = 0;
  json::array shortages;
  for (const Comparison::Shortage& shortage : comparison.shortages) {
    missing += shortage.records;
    if (shortages.size() == kToldMax) continue;
    shortages.push_back(json::object{{"bucket", shortage.part.home.value},
                                     {"redundancy", shortage.part.level.redundancy()},
                                     {"copies", shortage.copies},
                                     {"records", shortage.records}});
  }
  json::array differences;
  for (const Comparison::Difference& difference : comparison.differences) {
    if (differences.size() == kToldMax) break;
    differences.push_back(json::object{{"id", to_string(difference.id)},
                                       {"bucket", difference.part.home.value},
                                       {"redundancy", difference.part.level.redundancy()},
                                       {"node", NodeContext::name_of(map, self)},
                                       {"revision", to_string(difference.here)},
                                       {"other", NodeContext::name_of(map, difference.partner)},
                                       {"other_revision", to_string(difference.there)}});
  }
  json::array silent;
  for (const NodeId node : comparison.silent) silent.push_back(json::value(NodeContext::name_of(map, node)));
  return {{"records", comparison.records},
          {"short", missing},
          {"crowded", comparison.crowded},
          {"compared", comparison.parts},
          {"mended", comparison.mended},
          {"differing", comparison.differences.size()},
          {"differences", std::move(differences)},
          {"shortages", std::move(shortages)},
          {"silent", std::move(silent)}};
}

Result<json::object> add_up(const std::vector<json::object>& parts) {
  json::object sum;
  for (const std::string_view name : kNumbers) {
    std::uint64_t total = 0;
    for (const json::object& part : parts) {
      const json::value* value = part.if_contains(name);
      boost::system::error_code error;
      const auto number = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
      if (value == nullptr || error) return Error{Errc::kBadGateway, "a node tells no " + std::string(name)};
      total += number;
    }
    sum[name] = total;
  }
  for (const std::string_view name : kLists) {
    json::array all;
    for (const json::object& part : parts) {
      const json::value* value = part.if_contains(name);
      if (value == nullptr || !value->is_array())
        return Error{Errc::kBadGateway, "a node tells no " + std::string(name)};
      for (const json::value& item : value->get_array())
        if (std::ranges::find(all, item) == all.end()) all.push_back(item);
    }
    sum[name] = std::move(all);
  }
  return sum;
}

asio::awaitable<json::object> verify_all(NodeContext& context) {
  const auto view = context.view();
  std::vector<json::object> parts;
  TaskGroup questions(context.executor);
  for (const cluster::RosterEntry& entry : view->map.roster())
    if (entry.up && entry.node.id != context.self)
      questions.spawn(ask(context, entry.node.name, entry.node.peer, view->map.seq(), parts));
  json::object here = co_await verify_here(context);
  co_await questions.wait();
  parts.push_back(std::move(here));
  json::object sum = add_up(parts).value();  // of answers that make sense, each of them
  const std::uint32_t unknown = unknown_buckets(view->map);
  const bool is_whole = sum.at("short").to_number<std::uint64_t>() == 0 &&
                        sum.at("differing").to_number<std::uint64_t>() == 0 && sum.at("silent").get_array().empty() &&
                        unknown == 0;
  json::object body{{"whole", is_whole}, {"seq", view->map.seq().value}};
  for (auto& [name, value] : sum) body[name] = std::move(value);
  body["unknown_buckets"] = unknown;
  json::array down;
  for (const cluster::RosterEntry& entry : view->map.roster())
    if (!entry.up) down.emplace_back(entry.node.name);
  body["down"] = std::move(down);
  co_return body;
}

asio::awaitable<void> handle_peer_verify(NodeContext& context, net::Request& request, net::Response& response) {
  const auto seq = take_map_seq(request.head().fields);
  if (!seq) {
    co_await send_problem(response, seq.error());
    co_return;
  }
  co_await context.wait_for_seq(*seq, std::chrono::steady_clock::now() + kMapPatience);
  if (!context.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*context.view()));
    co_return;
  }
  json::object body = co_await verify_here(context);
  co_await send_json(response, std::move(body));
}

}  // namespace brigade::node
