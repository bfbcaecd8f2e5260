#include "control_address_book.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace brigade::node {
namespace {

bool is_of_roster(const wire::LogEntry& entry) {
  return std::holds_alternative<wire::NodeAdded>(entry.change) ||
         std::holds_alternative<wire::NodeRemoved>(entry.change) || std::holds_alternative<wire::NodeUp>(entry.change);
}

/// What the message says of its own sender, if it does.
const wire::NodeInfo* introduction(const wire::Envelope& envelope) {
  const wire::NodeInfo* node = nullptr;
  if (const auto* probe = std::get_if<wire::Probe>(&envelope.message)) node = probe->join ? &*probe->join : nullptr;
  if (const auto* accept = std::get_if<wire::Accept>(&envelope.message)) node = &accept->node;
  return node != nullptr && node->id == envelope.from ? node : nullptr;
}

}  // namespace

bool touches_roster(const cluster::Effects& effects) {
  // A map that changed without entries came whole.
  if (effects.map_changed && effects.committed.empty()) return true;
  if (std::ranges::any_of(effects.committed, is_of_roster)) return true;
  if (!effects.persist) return false;
  return std::ranges::any_of(effects.persist->ops, [](const cluster::PersistOp& op) {
    if (const auto* append = std::get_if<cluster::AppendEntries>(&op))
      return std::ranges::any_of(append->entries, is_of_roster);
    return std::holds_alternative<cluster::TruncateFrom>(op);
  });
}

void AddressBook::put(const wire::NodeInfo& node) {
  Known& known = known_[node.id];
  known.name = node.name;
  known.told = node.peer;
  known.in_roster = true;
}

void AddressBook::read_roster(const cluster::Member& member) {
  for (auto& [id, known] : known_) known.in_roster = false;
  for (const cluster::RosterEntry& entry : member.map().roster()) put(entry.node);
  for (Seq seq = next(member.map().seq()); seq <= member.last().seq; seq = next(seq))
    if (const auto* added = std::get_if<wire::NodeAdded>(&member.log().at(seq).change)) put(added->node);
}

void AddressBook::heard(Instant now, const wire::Envelope& envelope, const std::string& address) {
  if (known_.size() >= kNodesKept) forget_some(now);
  Known& known = known_[envelope.from];
  known.heard = now;
  const wire::NodeInfo* self_said = introduction(envelope);
  if (self_said != nullptr && !known.in_roster) known.name = self_said->name;
  const bool relayed = self_said != nullptr && is_elsewhere(envelope.from, address);
  const std::string& at = relayed ? self_said->peer : address;
  if (known.heard_at != at) known.heard_at = at;
}

/// Another node of the roster sits at `address`.
bool AddressBook::is_elsewhere(NodeId node, const std::string& address) const {
  return std::ranges::any_of(
      known_, [&](const auto& k) { return k.first != node && k.second.in_roster && k.second.address() == address; });
}

void AddressBook::forget_some(Instant now) {
  std::erase_if(known_, [&](const auto& k) { return !k.second.in_roster && now - k.second.heard > kJoinerKept; });
}

std::string AddressBook::address(NodeId node) const {
  const auto at = known_.find(node);
  return at == known_.end() ? std::string() : at->second.address();
}

std::vector<std::string> AddressBook::everyone(Instant now) const {
  std::vector<std::string> out;
  out.reserve(known_.size());
  for (const auto& [id, known] : known_) {
    const bool joins = !known.heard_at.empty() && now - known.heard <= kJoinerKept;
    if (id != self_ && (known.in_roster || joins) && !known.address().empty()) out.push_back(known.address());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string AddressBook::name(NodeId node) const {
  if (!node) return "nobody";
  const auto at = known_.find(node);
  return at == known_.end() || at->second.name.empty() ? to_string(node) : at->second.name;
}

std::string AddressBook::name(const Epoch& epoch) const {
  return std::to_string(epoch.counter) + "." + name(epoch.coordinator);
}

}  // namespace brigade::node
