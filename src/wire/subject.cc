#include "brigade/wire/subject.h"

#include <variant>

namespace brigade::wire {

namespace {

struct Subject {
  NodeId leader;
  NodeId operator()(const GroupFormed&) const { return leader; }
  NodeId operator()(const NodeAdded& change) const { return change.node.id; }
  NodeId operator()(const NodeUp& change) const { return change.node.id; }
  NodeId operator()(const BucketsAssigned&) const { return {}; }
  NodeId operator()(const SettingChanged&) const { return {}; }
  NodeId operator()(const LossAccepted&) const { return {}; }
  NodeId operator()(const VersionRaised&) const { return {}; }
  template <class Change>
  NodeId operator()(const Change& change) const {
    return change.node;
  }
};

}  // namespace

NodeId subject_of(const LogEntry& entry) {
  return std::visit(Subject{entry.epoch.coordinator}, entry.change);
}

}  // namespace brigade::wire
