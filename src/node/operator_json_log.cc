// Transactions in words.
#include "operator_json.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <boost/json/array.hpp>

#include "brigade/base/checksum.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/subject.h"

namespace brigade::node {
namespace {

namespace json = boost::json;
using cluster::ClusterMap;

/// Names of nodes, of those that have left, too, if the lines tell them.
class Names {
 public:
  explicit Names(const ClusterMap& map, const std::vector<LogLine>& lines = {}) : map_(map) {
    for (const LogLine& line : lines) {
      if (const auto* added = std::get_if<wire::NodeAdded>(&line.change)) told_[added->node.id] = added->node.name;
      if (const auto* up = std::get_if<wire::NodeUp>(&line.change)) told_[up->node.id] = up->node.name;
    }
  }
  [[nodiscard]] std::string of(NodeId node) const {
    if (const cluster::RosterEntry* entry = map_.node(node)) return entry->node.name;
    const auto told = told_.find(node);
    return told == told_.end() ? to_string(node) : told->second;
  }

 private:
  const ClusterMap& map_;
  std::map<NodeId, std::string> told_;
};

std::string hex(std::uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

/// The same on all nodes that have the same entry there.
std::string digest_of(const LogLine& line) {
  const wire::Bytes bytes = wire::encode(line.change);
  const std::string_view change(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return hex(checksum(to_string(line.position) + ' ' + std::string(change)));
}

std::string counted_buckets(const BucketSet& buckets) {
  const auto count = buckets.size();
  return std::to_string(count) + (count == 1 ? " bucket" : " buckets");
}

/// Changes to words, one operator for each kind.
struct Teller {
  const Names& names;

  std::string operator()(const wire::GroupFormed& c) const {
    std::string text = "group of ";
    for (std::size_t i = 0; i < c.members.size(); ++i) text += (i == 0 ? "" : ", ") + names.of(c.members[i]);
    if (c.unlisted > 0) text += " and " + std::to_string(c.unlisted) + " more";
    return text;
  }
  std::string operator()(const wire::NodeAdded& c) const {
    std::string text = c.node.name + " joined";
    if (!c.node.zone.empty()) text += ", zone " + c.node.zone;
    return text + ", weight " + std::to_string(c.node.weight);
  }
  std::string operator()(const wire::NodeRemoved& c) const { return names.of(c.node) + " removed"; }
  std::string operator()(const wire::NodeUp& c) const {
    return c.node.name + " up (start " + to_string(c.incarnation) + ")";
  }
  std::string operator()(const wire::NodeDown& c) const { return names.of(c.node) + " down"; }
  std::string operator()(const wire::BucketsAssigned& c) const {
    std::string text;
    for (const wire::Assignment& a : c.assignments) {
      if (!text.empty()) text += ", ";
      text += counted_buckets(a.buckets);
      switch (a.role) {
        case wire::Role::kOwner:
          text += " to " + names.of(a.node);
          break;
        case wire::Role::kNewOwner:
          text += " move to " + names.of(a.node);
          break;
        case wire::Role::kStandIn:
          text += " stood in for by " + names.of(a.node);
          break;
        case wire::Role::kNone:
          text += " stay, new owner let go";
          break;
      }
    }
    return text + " (" + std::string(wire::reason_name(c.reason)) + ")";
  }
  std::string operator()(const wire::BucketsFilled& c) const {
    return names.of(c.node) + " filled " + counted_buckets(c.buckets);
  }
  std::string operator()(const wire::BucketsReleased& c) const {
    return names.of(c.node) + " released " + counted_buckets(c.buckets);
  }
  std::string operator()(const wire::BucketsMoved& c) const {
    return counted_buckets(c.buckets) + " moved to " + names.of(c.node);
  }
  std::string operator()(const wire::BucketsEmptied& c) const {
    return names.of(c.node) + " lost what it held of " + counted_buckets(c.buckets) + ": a disk failed";
  }
  std::string operator()(const wire::NodeDraining& c) const {
    return names.of(c.node) + (c.draining ? " gives its buckets to the others" : " takes part again");
  }
  std::string operator()(const wire::NodeReshaped& c) const {
    return names.of(c.node) + " has weight " + std::to_string(c.weight) +
           (c.zone.empty() ? " and no zone" : " in zone " + c.zone);
  }
  std::string operator()(const wire::NodeReplaced& c) const {
    return names.of(c.by) + " takes the place of " + names.of(c.node);
  }
  std::string operator()(const wire::LossAccepted& c) const {
    return "what " + counted_buckets(c.buckets) + " lacked is given up";
  }
  std::string operator()(const wire::VersionRaised& c) const {
    return "all speak protocol version " + std::to_string(c.version) + ": it is in force";
  }
  std::string operator()(const wire::SettingChanged& c) const { return c.name + " = " + c.value; }
};

}  // namespace

std::string change_text(const ClusterMap& map, const wire::Change& change) {
  return std::visit(Teller{Names(map)}, change);
}

std::string iso_time(WallTime time) {
  const auto since = std::chrono::milliseconds(time.unix_ms);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto whole = static_cast<std::time_t>(seconds.count());
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[80];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>((since - seconds).count()));
  return text;
}

json::object log_json(const ClusterMap& map, const std::vector<LogLine>& lines, Seq first_kept) {
  const Names names(map, lines);
  json::array entries;
  for (const LogLine& line : lines) {
    const Epoch& epoch = line.position.epoch;
    json::object entry;
    entry["seq"] = line.position.seq.value;
    entry["time"] = line.applied.unix_ms == 0 ? json::value(nullptr) : json::value(iso_time(line.applied));
    entry["epoch"] = std::to_string(epoch.counter) + "." + names.of(epoch.coordinator);
    entry["kind"] = wire::kind_name(line.change);
    const NodeId about = wire::subject_of({epoch, line.position.seq, line.change});
    entry["node"] = about ? json::value(names.of(about)) : json::value(nullptr);
    entry["text"] = std::visit(Teller{names}, line.change);
    entry["digest"] = digest_of(line);
    entries.push_back(std::move(entry));
  }
  json::object out;
  out["commit"] = map.seq().value;
  out["first_kept"] = first_kept ? json::value(first_kept.value) : json::value(nullptr);
  out["entries"] = std::move(entries);
  return out;
}

}  // namespace brigade::node
