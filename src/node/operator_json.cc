#include "operator_json.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "brigade/base/settings.h"
#include "brigade/placement/planner.h"
#include "brigade/replication/filling.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using cluster::BucketState;
using cluster::Cell;
using cluster::ClusterMap;
using cluster::RosterEntry;

template <class F>
void for_all_buckets(F&& f) {
  for (std::size_t i = 0; i < kBucketCount; ++i) f(BucketId{static_cast<std::uint16_t>(i)});
}

std::uint32_t count_of(const std::map<NodeId, std::uint32_t>& counts, NodeId node) {
  const auto at = counts.find(node);
  return at == counts.end() ? 0 : at->second;
}

json::value name_or_null(const ClusterMap& map, NodeId node) {
  if (!node) return nullptr;
  const RosterEntry* entry = map.node(node);
  return entry == nullptr ? json::value(to_string(node)) : json::value(entry->node.name);
}

json::array roster_json(const ClusterMap& map, const BucketCounts& counts) {
  json::array roster;
  for (const RosterEntry& entry : map.roster()) {
    const NodeId id = entry.node.id;
    roster.push_back(json::object{{"name", entry.node.name},
                                  {"id", to_string(id)},
                                  {"zone", entry.node.zone},
                                  {"weight", entry.node.weight},
                                  {"speaks", entry.node.speaks},
                                  {"up", entry.up},
                                  {"draining", entry.draining},
                                  {"buckets", count_of(counts.owned, id)},
                                  {"in_sync", count_of(counts.in_sync, id)},
                                  {"client", entry.node.client},
                                  {"peer", entry.node.peer},
                                  {"incarnation", entry.incarnation.value},
                                  {"changed", entry.changed.value}});
  }
  return roster;
}

json::object counts_json(const BucketCounts& counts) {
  return {{"unassigned", counts.unassigned}, {"filling", counts.filling},
          {"serving", counts.serving},       {"lost", counts.lost},
          {"stand_ins", counts.stand_ins},   {"moving", counts.moving}};
}

/// Two digits of base 64; the last number stands for none.
std::string owner_digits(const ClusterMap& map, NodeId owner) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  const auto& roster = map.roster();
  const auto at = std::ranges::lower_bound(roster, owner, {}, [](const RosterEntry& e) { return e.node.id; });
  const bool known = owner && at != roster.end() && at->node.id == owner;
  const auto index = known ? static_cast<std::size_t>(at - roster.begin()) : std::size_t{4095};
  return {kDigits[index / 64], kDigits[index % 64]};
}

char state_letter(const ClusterMap& map, BucketId bucket) {
  constexpr std::string_view kLetters = "ufsmrt";
  const char letter = kLetters[static_cast<std::size_t>(map.cell(bucket).state)];
  return map.is_in_sync(bucket) ? static_cast<char>(letter - 'a' + 'A') : letter;
}

/// How a part of the plan sums up.
}  // namespace

std::uint32_t unknown_buckets(const ClusterMap& map) {
  std::uint32_t unknown = 0;
  for_all_buckets([&](BucketId home) {
    bool known = false;
    for (std::uint32_t j = 0; j < map.settings().min_redundancy && !known; ++j)
      known = map.is_in_sync(placement::by_distance(home, j));
    if (!known) ++unknown;
  });
  return unknown;
}

BucketCounts count_buckets(const ClusterMap& map) {
  BucketCounts counts;
  for_all_buckets([&](BucketId bucket) {
    const Cell& cell = map.cell(bucket);
    ++counts.by_state[static_cast<std::size_t>(cell.state)];
    if (cell.state == BucketState::kStandIn) ++counts.stand_ins;
    if (cell.state == BucketState::kMoving || cell.state == BucketState::kReleased) ++counts.moving;
    if (!cell.owner) {
      ++counts.unassigned;
      return;
    }
    ++counts.owned[cell.owner];
    if (map.is_in_sync(bucket)) {
      ++counts.serving;
      ++counts.in_sync[cell.owner];
      return;
    }
    ++(replication::is_lost(map, bucket) ? counts.lost : counts.filling);
  });
  return counts;
}

std::string_view node_state(const View& view, bool may_serve) {
  if (!view.in_roster) return "joining";
  return may_serve ? "serving" : "no-quorum";
}

json::object cluster_json(const View& view, const BucketCounts& counts, const Config& config, bool may_serve,
                          const store::StoreStats& stored) {
  const ClusterMap& map = view.map;
  json::object out;
  out["cluster"] = to_string(map.cluster());
  out["node"] = config.name;
  out["state"] = node_state(view, may_serve);
  if (!view.join_refused.empty()) out["join_refused"] = view.join_refused;
  out["epoch"] =
      json::object{{"counter", view.epoch.counter}, {"coordinator", name_or_null(map, view.epoch.coordinator)}};
  out["coordinator"] = name_or_null(map, view.coordinator);
  out["seq"] = view.last.value;
  out["commit"] = map.seq().value;
  out["protocol"] = map.version();
  out["quorum"] = json::object{{"needed", view.quorum_needed}, {"present", view.present}};
  out["roster"] = roster_json(map, counts);
  out["buckets"] = counts_json(counts);
  out["objects"] = stored.objects;
  out["bytes"] = stored.bytes;
  out["corrupt"] = stored.corrupt;
  return out;
}

json::object starting_json(const Config& config) {
  json::object out;
  out["cluster"] = to_string(config.cluster);
  out["node"] = config.name;
  out["state"] = "starting";
  out["epoch"] = json::object{{"counter", 0}, {"coordinator", nullptr}};
  out["coordinator"] = nullptr;
  out["seq"] = 0;
  out["commit"] = 0;
  out["quorum"] = json::object{{"needed", 0}, {"present", 0}};
  out["roster"] = json::array();
  out["buckets"] = counts_json(BucketCounts{});
  out["objects"] = 0;
  out["bytes"] = 0;
  return out;
}

json::object nodes_json(const View& view, const BucketCounts& counts, bool may_serve) {
  return {{"state", node_state(view, may_serve)},
          {"seq", view.map.seq().value},
          {"coordinator", name_or_null(view.map, view.coordinator)},
          {"roster", roster_json(view.map, counts)}};
}

json::object map_json(const ClusterMap& map) {
  json::array nodes;
  for (const RosterEntry& entry : map.roster())
    nodes.push_back(json::object{{"name", entry.node.name}, {"id", to_string(entry.node.id)}, {"up", entry.up}});
  // Neighbours rarely have the same owner, but there are few owners.
  std::map<NodeId, std::string> digits;
  std::string owners;
  std::string states;
  owners.reserve(2 * kBucketCount);
  states.reserve(kBucketCount);
  json::array new_owners;
  for_all_buckets([&](BucketId bucket) {
    const Cell& cell = map.cell(bucket);
    auto at = digits.find(cell.owner);
    if (at == digits.end()) at = digits.emplace(cell.owner, owner_digits(map, cell.owner)).first;
    owners += at->second;
    states += state_letter(map, bucket);
    if (!cell.new_owner) return;
    const auto& roster = map.roster();
    const auto node = std::ranges::find(roster, cell.new_owner, [](const RosterEntry& e) { return e.node.id; });
    if (node != roster.end()) new_owners.push_back(json::array{bucket.value, node - roster.begin()});
  });
  return {{"seq", map.seq().value},      {"buckets", kBucketCount},     {"nodes", std::move(nodes)},
          {"owners", std::move(owners)}, {"states", std::move(states)}, {"new_owners", std::move(new_owners)}};
}

json::object settings_json(const ClusterMap& map) {
  const Settings defaults;
  json::array settings;
  for (const SettingDescription& setting : setting_descriptions())
    settings.push_back(json::object{{"name", setting.name},
                                    {"value", setting_text(map.settings(), setting.name)},
                                    {"default", setting_text(defaults, setting.name)},
                                    {"set", map.setting_texts().contains(std::string(setting.name))},
                                    {"unit", setting.unit},
                                    {"about", setting.about}});
  return {{"seq", map.seq().value}, {"settings", std::move(settings)}};
}

std::string json_text(const json::object& object) {
  return json::serialize(object) + "\n";
}

}  // namespace brigade::node
