#include "simulate_source.h"

#include "api_client.h"
#include "json_view.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace brigade::cli {
namespace {

namespace json = boost::json;

Error senseless(const std::string& what) {
  return {Errc::kBadGateway, "the node's answer makes no sense here: " + what};
}

/// The values of two digits each, base 64, as the map's owners are written; nothing if some are no digits.
std::optional<std::vector<std::size_t>> digit_pairs(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  std::vector<std::size_t> values;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const auto high = kDigits.find(text[i]);
    const auto low = kDigits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    values.push_back(high * 64 + low);
  }
  return values;
}

std::optional<NodeId> id_of(const std::string& hex) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  if (error != std::errc{} || end != hex.data() + hex.size() || value == 0) return std::nullopt;
  return NodeId{value};
}

Status read_roster(const json::value& nodes, wire::Snapshot& snapshot) {
  for (const json::value& node : array_at(nodes, "roster")) {
    const auto id = id_of(text_at(node, "id"));
    if (!id) return senseless("a node without an id");
    wire::RosterEntry entry;
    entry.node.id = *id;
    entry.node.name = text_at(node, "name");
    entry.node.zone = text_at(node, "zone") == "-" ? "" : text_at(node, "zone");
    entry.node.weight = static_cast<std::uint32_t>(number_at(node, "weight"));
    entry.node.client = text_at(node, "client");
    entry.node.peer = text_at(node, "peer");
    entry.node.store = StoreId{id->value};
    entry.up = is_true_at(node, "up");
    entry.draining = is_true_at(node, "draining");
    entry.incarnation = Incarnation{1};  // its first life in the simulation
    entry.added = entry.changed = Seq{1};
    snapshot.roster.push_back(std::move(entry));
  }
  if (snapshot.roster.empty()) return senseless("no roster");
  std::ranges::sort(snapshot.roster, {}, [](const wire::RosterEntry& e) { return e.node.id; });
  return {};
}

Status read_cells(const json::value& map, wire::Snapshot& snapshot) {
  const auto owners = digit_pairs(text_at(map, "owners"));
  const std::string states = text_at(map, "states");
  if (!owners || owners->size() != kBucketCount || states.size() != kBucketCount)
    return senseless("no map of all buckets");
  std::vector<NodeId> ids;
  for (const json::value& node : array_at(map, "nodes")) ids.push_back(id_of(text_at(node, "id")).value_or(NodeId{}));
  auto known = [&](std::size_t index) {
    const NodeId id = index < ids.size() ? ids[index] : NodeId{};
    const bool is_in = std::ranges::any_of(snapshot.roster, [&](const auto& e) { return e.node.id == id; });
    return is_in ? id : NodeId{};
  };
  std::vector<NodeId> by_index;
  for (std::size_t i = 0; i < ids.size(); ++i) by_index.push_back(known(i));
  snapshot.cells.resize(kBucketCount);
  for (std::size_t b = 0; b < kBucketCount; ++b) {
    wire::Cell& cell = snapshot.cells[b];
    const std::size_t owner = (*owners)[b];
    if (owner >= by_index.size() || !by_index[owner]) continue;
    constexpr std::string_view kLetters = "ufsmrt";
    const bool in_sync = states[b] >= 'A' && states[b] <= 'Z';
    const auto state = kLetters.find(in_sync ? static_cast<char>(states[b] - 'A' + 'a') : states[b]);
    if (state == std::string_view::npos) return senseless("a bucket in an unknown state");
    cell.owner = by_index[owner];
    cell.in_sync = in_sync;
    cell.state = static_cast<wire::BucketState>(state);
    cell.assigned = Seq{1};
  }
  for (const json::value& pair : array_at(map, "new_owners")) {
    const json::array* both = pair.if_array();
    if (both == nullptr || both->size() != 2 || !(*both)[0].is_int64() || !(*both)[1].is_int64())
      return senseless("a new owner");
    const auto bucket = static_cast<std::size_t>((*both)[0].as_int64());
    const auto node = static_cast<std::size_t>((*both)[1].as_int64());
    if (bucket >= kBucketCount || node >= by_index.size()) return senseless("a new owner");
    snapshot.cells[bucket].new_owner = by_index[node];
    snapshot.cells[bucket].new_assigned = Seq{1};
  }
  // Without a new owner nothing moves, and nobody stands in.
  for (wire::Cell& cell : snapshot.cells) {
    const bool wants_one = cell.state == wire::BucketState::kMoving || cell.state == wire::BucketState::kReleased ||
                           cell.state == wire::BucketState::kStandIn;
    if (wants_one && !cell.new_owner)
      cell.state = cell.in_sync ? wire::BucketState::kServing : wire::BucketState::kFilling;
    if (!wants_one) cell.new_owner = NodeId{};
  }
  return {};
}

}  // namespace

Result<wire::Snapshot> snapshot_from(const json::value& nodes, const json::value& map, const json::value& settings) {
  wire::Snapshot snapshot;
  snapshot.cluster = ClusterId{0x51b0c1};
  if (auto read = read_roster(nodes, snapshot); !read) return read.error();
  if (auto read = read_cells(map, snapshot); !read) return read.error();
  snapshot.last = {{1, snapshot.roster.front().node.id}, Seq{1}};
  snapshot.roster_seq = snapshot.view = Seq{1};
  for (const json::value& setting : array_at(settings, "settings"))
    if (is_true_at(setting, "set")) snapshot.settings[text_at(setting, "name")] = text_at(setting, "value");
  return snapshot;
}

Result<wire::Snapshot> cluster_like(const std::string& url) {
  const auto address = node_address(url);
  if (!address) return address.error();
  const ApiClient client(*address);
  const auto nodes = client.get_json("/cluster/nodes");
  if (!nodes) return nodes.error();
  const auto map = client.get_json("/cluster/map");
  if (!map) return map.error();
  const auto settings = client.get_json("/cluster/settings");
  if (!settings) return settings.error();
  return snapshot_from(*nodes, *map, *settings);
}

}  // namespace brigade::cli
