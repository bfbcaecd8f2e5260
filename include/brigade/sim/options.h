// What a simulated cluster goes through.  Source: design §4; testing "What the best do, and we do too".
// Concept: a run has two parts. In the first, faults are drawn from the seed and only safety is asked for; then
// everything
//          is healed, and the cluster must come together within `heal_limit`. All times are virtual.
// Thread:  values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "brigade/base/time.h"

namespace brigade::sim {

/// What the executor does wrong on purpose, to show that the checkers can see it. What the control plane itself can do
/// wrong is in cluster/rules.h.
enum class Flaw : std::uint8_t {
  kNone,
  kDiskLies,          ///< writes are called durable at once, and a crash loses them
  kReleaseForgotten,  ///< a node says that it has released buckets, and goes on serving them
  kLostServed,        ///< a node says that it has lost buckets with a disk, and goes on serving them
  kIndexIncomplete,   ///< an index is handed out of which a part is missing
  kClocksRunWild,     ///< clock rates differ by a tenth
};
std::string_view flaw_name(Flaw flaw);

struct Options {
  std::uint64_t seed = 1;
  std::size_t nodes = 5;  ///< 1 to 1024
  /// Bootstrapped one by one: the first founds the cluster, the others join it, while faults go on. Otherwise the run
  /// starts with a settled cluster, as after a power cut: all in the roster, all buckets serve.
  bool joining = false;
  /// The last so many of `nodes` belong to no cluster at first: each takes the place of one that is gone for good.
  std::size_t spares = 0;
  /// Nodes lose one disk of several now and then, and with it what they hold of some buckets; or all of them; or a sync
  /// of the journal fails, and with it the process.
  bool several_disks = false;
  /// A rolling upgrade to a release that speaks the next protocol version goes on meanwhile: nodes come back with it,
  /// or with the old one, as operators do that change their minds. In the end all have the new one.
  bool upgrading = false;
  Duration faults = std::chrono::seconds{10};
  Duration heal_limit = std::chrono::seconds{60};
  /// Mean time between two faults; zero: none.
  Duration fault_interval = std::chrono::milliseconds{500};
  /// The numbers of the faults, from 1 on, that do not happen: what is left of a run that is made shorter.
  std::set<std::uint64_t> left_out;

  // Network, when nothing special happens. A datagram takes delay_min plus a random part, mostly small.
  Duration delay_min = std::chrono::microseconds{50};
  Duration delay_max = std::chrono::milliseconds{5};
  std::uint32_t loss_permille = 5;
  std::uint32_t duplicate_permille = 5;
  // Disk: time until a batch is durable.
  Duration flush_min = std::chrono::microseconds{300};
  Duration flush_max = std::chrono::milliseconds{12};
  // Clocks run at rates that differ from true time by at most this.
  std::int64_t drift_ppm_max = 9'000;

  /// Timers, disks, peers and who waits how long in an election leave nothing to chance: for runs that people read.
  bool steady = false;

  /// What is looked at on all nodes together (leases, who serves what) is looked at so often; zero: after each step.
  Duration check_interval{};

  /// Cluster settings that the run begins with.
  std::map<std::string, std::string> settings = {{"grace", "3s"}};
  Flaw flaw = Flaw::kNone;
  /// Gets a line for whatever happens, if set.
  std::function<void(const std::string&)> trace;
  /// Reads a clock of processor time, if set: then what each node's control plane uses of it is summed up.
  std::function<Duration()> meter;
};

}  // namespace brigade::sim
