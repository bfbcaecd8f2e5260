// What would happen if: a cluster that somebody has, or plans to have, loses nodes, and what it does then.
// Source: design §9 "The simulator as a tool".
// Concept: the program's own control plane, one member for each node, in virtual time, on a network and disks as they
//          mostly are. Objects are not simulated: filling a bucket takes tens of milliseconds, so times until the map
//          stands say how fast the cluster decides, not how fast it copies.
// Thread:  one owner.  Cost: memory of about 4 MB for each node.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/wire/snapshot.h"

namespace brigade::sim {

/// Something that is done to the cluster at a moment.
struct Mishap {
  enum class Kind : std::uint8_t { kFail, kReturn, kJoin };
  enum class Target : std::uint8_t { kNode, kZone, kCoordinator, kNew };
  Kind kind = Kind::kFail;
  Target target = Target::kNode;
  std::string name;       ///< of the node or zone
  std::size_t count = 0;  ///< how many join
  Duration at{};
};

/// "node:n3@5s", "zone:b@10s", "coordinator@8s" (not to return); to join "3@12s". Errors: kInvalid.
Result<Mishap> parse_mishap(Mishap::Kind kind, std::string_view text);

/// `count` nodes n1, n2 ..., by turns in `zones` zones a, b, c ... (0: none), all up and all buckets serving.
wire::Snapshot planned_cluster(std::size_t count, std::size_t zones,
                               const std::map<std::string, std::string>& settings);

struct RehearsalOptions {
  std::uint64_t seed = 1;
  Duration length = std::chrono::seconds{30};
  std::vector<Mishap> mishaps;
};

struct Rehearsal {
  struct Moment {
    Duration at{};
    std::string kind;  ///< "fails", "starts", "nothing" (to fail or start), "leads", "leads-no-more", "down", "up",
                       ///< "joined", "index", "takes-over", "whole" ...
    std::string node;  ///< whom it is about; may be empty
    std::string text;  ///< of that node, or a sentence
  };
  struct Election {
    Duration at{};    ///< the new coordinator's first transaction was committed
    Duration took{};  ///< since the one before failed, or the cluster started
    std::string coordinator;
    std::uint64_t epoch = 0;  ///< its counter
  };
  /// Of the 32 768 runs of two siblings, how many have so many copies in sync: all objects of redundancy 2.
  struct Risk {
    Duration at{};
    std::uint32_t two = 0;
    std::uint32_t one = 0;
    std::uint32_t none = 0;
  };
  struct Traffic {
    std::uint64_t sent = 0;  ///< datagrams; a multicast one counts once
    std::uint64_t sent_bytes = 0;
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
  };

  std::string violation;  ///< of a rule of safety; empty if all was well
  std::size_t nodes = 0;
  std::vector<Moment> timeline;
  std::vector<Election> elections;
  std::vector<Risk> risk;        ///< where it changes, in steps of 100 ms
  std::vector<Traffic> traffic;  ///< of each second
  Traffic coordinator;           ///< of whoever leads, all in all
  std::uint64_t transactions = 0;
  Duration length{};
  std::size_t running = 0;          ///< nodes that run at the end
  std::vector<std::string> silent;  ///< those of them that don't serve
  [[nodiscard]] std::size_t serving() const { return running - silent.size(); }
};

/// Errors: kNotFound if a mishap names a node or zone that is not there; kInvalid if there are too many nodes.
Result<Rehearsal> rehearse(const wire::Snapshot& start, const RehearsalOptions& options);

}  // namespace brigade::sim
