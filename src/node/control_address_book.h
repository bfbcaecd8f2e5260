// Where nodes are, and what they are called.
// Concept: the roster says where a node listens; the datagrams that it sends say where it is now. The latter wins once
//          authenticated: a node that came back at another address must be heard before the log can say so. Nodes that
//          are not in the roster and were heard lately are about to join: they get what all get.
// Thread:  the control thread.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/time.h"
#include "brigade/cluster/member.h"
#include "brigade/wire/message.h"

namespace brigade::node {

class AddressBook {
 public:
  explicit AddressBook(NodeId self) : self_(self) {}

  /// Takes the roster from the committed map and from what the log above it adds.
  void read_roster(const cluster::Member& member);
  /// `envelope` is authentic and came from `address`. A relayed request to join is known by what it says of itself.
  void heard(Instant now, const wire::Envelope& envelope, const std::string& address);

  /// Empty if nothing is known.
  [[nodiscard]] std::string address(NodeId node) const;
  /// Each address once: the roster, up or down, and those about to join; not this node.
  [[nodiscard]] std::vector<std::string> everyone(Instant now) const;
  /// Also of nodes that are gone; hex digits if it was never heard of.
  [[nodiscard]] std::string name(NodeId node) const;
  /// "7.n3"
  [[nodiscard]] std::string name(const Epoch& epoch) const;

 private:
  static constexpr Duration kJoinerKept = std::chrono::seconds{10};
  static constexpr std::size_t kNodesKept = 4096;

  struct Known {
    std::string name;
    std::string told;      ///< by the roster
    std::string heard_at;  ///< where its last datagram came from
    Instant heard{};
    bool in_roster = false;
    [[nodiscard]] const std::string& address() const { return heard_at.empty() ? told : heard_at; }
  };
  void put(const wire::NodeInfo& node);
  [[nodiscard]] bool is_elsewhere(NodeId node, const std::string& address) const;
  void forget_some(Instant now);

  NodeId self_;
  std::map<NodeId, Known> known_;
};

/// True if the roster may differ after `effects`, committed or not.
bool touches_roster(const cluster::Effects& effects);

}  // namespace brigade::node
