// What newcomers and operators ask of a coordinator: which changes may be, and which not.
// Source: design §4 Roster; §7.
#include <algorithm>

#include "brigade/base/limits.h"
#include "brigade/cluster/holdings.h"
#include "brigade/cluster/member.h"

namespace brigade::cluster {

void Member::handle_join(NodeId from, const wire::NodeInfo& node) {
  if (node.id != from) return;
  if (auto fits = check_change(wire::NodeAdded{node}); !fits) {
    send(from, wire::JoinRefusal{fits.error().detail()});
    return;
  }
  send(from, wire::Invitation{epoch_, true});
}

/// Whether enough nodes would have shares if `node` had one or not, and `other` one.
Status Member::check_share(NodeId node, bool has_share, NodeId other) const {
  const ClusterMap& map = coordinator_->appended;
  const RosterEntry* entry = map.node(node);
  if (entry == nullptr) return Error{Errc::kNotFound, "no such node"};
  if (has_share) return {};
  const auto left = std::ranges::count_if(map.roster(), [&](const RosterEntry& e) {
    return e.up && (e.takes_share() || e.node.id == other) && e.node.id != node;
  });
  const std::uint32_t needed = std::min(map.settings().write_copies, map.settings().redundancy);
  if (static_cast<std::uint32_t>(left) >= needed) return {};
  return Error{Errc::kConflict, "without " + entry->node.name + " " + std::to_string(left) + " of the " +
                                    std::to_string(needed) +
                                    " nodes would be left that a write needs: add a node first"};
}

Status Member::check_change(const wire::Change& change) const {
  const ClusterMap& map = coordinator_->appended;
  if (const auto* added = std::get_if<wire::NodeAdded>(&change)) {
    const wire::NodeInfo& node = added->node;
    if (map.was_removed(node.id))
      return Error{Errc::kConflict, "this node was removed from the cluster: bootstrap it anew in an empty directory"};
    if (!wire::reads(node.speaks, map.version()))
      return Error{Errc::kConflict, "the cluster has protocol " + wire::unreadable(node.speaks, map.version())};
    const RosterEntry* same_name = map.node_named(node.name);
    if (same_name != nullptr && same_name->node.id != node.id)
      return Error{Errc::kConflict, "a node named " + node.name +
                                        " is in the cluster already: choose another name, or remove that one first"};
    if (map.roster().size() >= limits::kNodesMax)
      return Error{Errc::kConflict, "the cluster has its largest number of nodes"};
    return {};
  }
  if (const auto* removed = std::get_if<wire::NodeRemoved>(&change)) {
    const RosterEntry* entry = map.node(removed->node);
    if (entry == nullptr) return Error{Errc::kNotFound, "no such node"};
    const Holdings held = holdings(map, removed->node);
    if (held.owned > 0) return Error{Errc::kConflict, refusal_to_remove(map, removed->node, held)};
    if (entry->up)
      return Error{Errc::kConflict,
                   entry->node.name + " is up: stop it first; the cluster notices within the setting failure_timeout"};
    return {};
  }
  if (const auto* draining = std::get_if<wire::NodeDraining>(&change))
    return check_share(draining->node, !draining->draining, NodeId{});
  if (const auto* shape = std::get_if<wire::NodeReshaped>(&change))
    return check_share(shape->node, shape->weight > 0, NodeId{});
  if (const auto* replaced = std::get_if<wire::NodeReplaced>(&change)) {
    const RosterEntry* by = map.node(replaced->by);
    if (by == nullptr) return Error{Errc::kNotFound, "no such node"};
    if (!by->up || by->incarnation.value == 0)
      return Error{Errc::kConflict, by->node.name + " is not up: start it first"};
    const RosterEntry* gone = map.node(replaced->node);
    if (gone != nullptr && gone->node.weight == 0)
      return Error{Errc::kConflict,
                   gone->node.name + " has weight 0, so nothing is to be replaced: stop and remove it"};
    return check_share(replaced->node, false, replaced->by);
  }
  if (const auto* loss = std::get_if<wire::LossAccepted>(&change)) {
    Status fits;
    loss->buckets.for_each([&](BucketId bucket) {
      const Cell& cell = map.cell(bucket);
      if (map.is_in_sync(bucket))
        fits = Error{Errc::kConflict, "bucket " + to_string(bucket) + " is served: nothing of it is lost"};
      else if (!map.is_up(cell.owner) && !is_lost(cell.owner))
        fits = Error{Errc::kConflict,
                     "the node of bucket " + to_string(bucket) +
                         " is down: start it, `brigade drain` it if it never comes back, or wait until the "
                         "setting grace is over"};
      else if (!map.is_up(cell.owner) && !map.is_up(cell.new_owner))
        fits = Error{Errc::kConflict, "no node is there that could take bucket " + to_string(bucket) + " over yet"};
    });
    return fits;
  }
  if (const auto* setting = std::get_if<wire::SettingChanged>(&change)) {
    auto texts = map.setting_texts();
    texts[setting->name] = setting->value;
    auto parsed = parse_settings(texts);
    if (!parsed) return parsed.error();
    return {};
  }
  return Error{Errc::kInvalid, "this kind of change is the coordinator's own"};
}

Result<Position> Member::propose(Instant now, const wire::Change& change, Effects& effects) {
  begin(now);
  auto fail = [&](Error error) -> Result<Position> {
    effects = finish();
    return error;
  };
  if (!coordinator_ || !may_serve(now_) || map_.seq() < coordinator_->formed)
    return fail({Errc::kNoQuorum, "this node does not lead the cluster now: ask again"});
  if (auto fits = check_change(change); !fits) return fail(fits.error());
  if (!append_change(change)) return fail({Errc::kOverloaded, "another change of the roster is under way: ask again"});
  const Position at = log_.last();
  effects = finish();
  return at;
}

}  // namespace brigade::cluster
