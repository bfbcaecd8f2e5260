// What the control plane costs as the cluster grows: datagrams, bytes, time, processor time.
//   bench_scale [NODES..]     default 5 50 200 1000; prints the table of bench/README.md
// Goal: traffic at rest is linear in nodes (design §8). The reference of each figure is the one for 5 nodes in the same
// run; a figure for a node stays where it is if the whole is linear.
//
// The nodes are the program's own control plane in the simulator: times are virtual (100 ms heartbeats, 0.05 to 5 ms
// under way, no loss), datagrams and bytes exact, processor time real. That of the wire (HMAC, Cap'n Proto) is measured
// by itself and added as datagrams x cost; SQLite is not in it.
#include "observer.h"
#include "world.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "brigade/base/limits.h"
#include "brigade/placement/planner.h"
#include "brigade/wire/auth.h"
#include "brigade/wire/codec.h"

namespace brigade::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

Duration processor_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return seconds{t.tv_sec} + nanoseconds{t.tv_nsec};
}

double ms(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

struct Traffic {
  std::uint64_t sent = 0;  ///< a multicast datagram counts once
  std::uint64_t bytes = 0;
  std::uint64_t received = 0;
};

Traffic operator-(const Traffic& a, const Traffic& b) {
  return {a.sent - b.sent, a.bytes - b.bytes, a.received - b.received};
}

/// Counts what is sent, by all and by whoever leads, and hears of what is committed.
class Counter final : public Observer {
 public:
  explicit Counter(const World& world) : world_(world) {}

  void on_send(std::size_t node, const wire::Envelope& envelope, bool /*to_all*/,
               std::span<const Copy> copies) override {
    const std::uint64_t bytes =
        wire::encoded_bytes(envelope.message) + limits::kDatagramBytesMax - wire::kMessageBytesMax;
    ++all.sent;
    all.bytes += bytes;
    all.received += copies.size();
    if (!world_.hosts()[node]->member || !world_.hosts()[node]->member->is_coordinator()) {
      if (copies.size() == 1 && copies[0].to == world_.coordinator()) ++leader.received;
      return;
    }
    ++leader.sent;
    leader.bytes += bytes;
  }

  void on_effects(std::size_t /*node*/, const cluster::Effects& effects) override {
    for (const wire::LogEntry& entry : effects.committed) {
      if (entry.seq <= known_) continue;
      known_ = entry.seq;
      ++transactions;
      if (std::holds_alternative<wire::GroupFormed>(entry.change)) formed_at = world_.now();
      if (std::holds_alternative<wire::NodeAdded>(entry.change)) added_at = world_.now();
    }
  }

  Traffic all, leader;
  std::uint64_t transactions = 0;
  Moment formed_at{}, added_at{};

 private:
  const World& world_;
  Seq known_;
};

Options quiet(std::size_t nodes) {
  Options options;
  options.nodes = nodes;
  options.loss_permille = 0;
  options.duplicate_permille = 0;
  options.drift_ppm_max = 200;
  options.check_interval = seconds{3600};  // the checkers look at all nodes; here they would be what is measured
  options.settings = {};
  options.meter = processor_time;
  return options;
}

/// A cluster that runs, and what it has sent so far.
class Run {
 public:
  Run(std::size_t nodes, const Options& options, const Beginning& beginning, std::size_t started)
      : world_(options, beginning), counter_(world_), nodes_(nodes) {
    world_.observe(&counter_);
    for (std::size_t i = 0; i < started; ++i)
      world_.events().at(milliseconds{static_cast<std::int64_t>(i % 200)}, [this, i] { world_.start(i); });
  }

  void until(Moment moment) {
    EventQueue& events = world_.events();
    while (!world_.verdict().failed() && !events.empty() && events.next_at() <= moment) events.run_next();
    if (!world_.verdict().failed()) return;
    std::fprintf(stderr, "%s\n", world_.verdict().violation().c_str());
    std::exit(1);
  }

  /// The moment at which `done` first held, looked at each 10 ms.
  template <class Done>
  Moment until(Moment deadline, Done&& done) {
    Moment at = world_.now();
    while (at < deadline) {
      at += milliseconds{10};
      until(at);
      if (done()) return at;
    }
    std::fprintf(stderr, "%zu nodes: not done after %.0f ms\n", nodes_, ms(deadline));
    std::exit(1);
  }

  [[nodiscard]] bool all_serve() const {
    const cluster::ClusterMap& map = world_.committed();
    for (std::size_t b = 0; b < kBucketCount; ++b)
      if (map.cell(BucketId{static_cast<std::uint16_t>(b)}).state != wire::BucketState::kServing) return false;
    return true;
  }
  [[nodiscard]] Duration leader_busy() const {
    const std::size_t leader = world_.coordinator();
    return leader < world_.hosts().size() ? world_.hosts()[leader]->busy : Duration{};
  }
  World& world() { return world_; }
  Counter& counter() { return counter_; }

 private:
  World world_;
  Counter counter_;
  std::size_t nodes_;
};

std::vector<wire::NodeInfo> machines(std::size_t count) {
  std::vector<wire::NodeInfo> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back(node_info(i));
  return nodes;
}

/// Processor time of taking a HeartbeatReply off the wire: MAC, replay window, decoding.
Duration cost_of_receiving() {
  const wire::ClusterSecret secret{};
  wire::DatagramSealer sealer(secret, kCluster, NodeId{7}, Incarnation{1});
  std::vector<wire::Bytes> datagrams;
  const wire::Message reply = wire::HeartbeatReply{{1, NodeId{3}}, 9, Seq{1}, Seq{1}};
  for (int i = 0; i < 20000; ++i) datagrams.push_back(sealer.seal(reply));
  wire::DatagramOpener opener(secret, kCluster, NodeId{3});
  const Duration begun = processor_time();
  for (const wire::Bytes& datagram : datagrams)
    if (!opener.open(datagram)) std::exit(1);
  return (processor_time() - begun) / 20000;
}

void measure(std::size_t nodes, Duration receiving) {
  const double n = static_cast<double>(nodes);
  std::printf("| %zu ", nodes);
  Beginning settled{machines(nodes), nullptr};
  settled.snapshot = settled_roster(settled.machines, {});
  {  // at rest, then the coordinator fails
    Run run(nodes, quiet(nodes), settled, nodes);
    run.until(seconds{5});
    const Traffic all = run.counter().all;
    const Traffic leader = run.counter().leader;
    const Duration busy = run.leader_busy();
    constexpr int kRest = 10;
    run.until(seconds{5 + kRest});
    const Traffic rest = run.counter().all - all;
    const Traffic led = run.counter().leader - leader;
    const double leading = ms(run.leader_busy() - busy) / kRest;
    std::printf("| %.1f | %.0f | %.0f | %.0f | %.2f + %.2f ", static_cast<double>(rest.sent) / kRest / n,
                static_cast<double>(rest.bytes) / kRest / n, static_cast<double>(led.sent) / kRest,
                static_cast<double>(led.received) / kRest, leading,
                static_cast<double>(led.received) / kRest * ms(receiving));

    const Traffic before = run.counter().all;
    const Moment failed = run.world().now();
    run.counter().formed_at = {};
    run.world().crash(run.world().coordinator());
    run.until(failed + seconds{60}, [&] { return run.counter().formed_at > failed; });
    const double took = ms(run.counter().formed_at - failed);
    const Traffic during = run.counter().all - before;
    std::printf("| %.0f | %.1f | %.0f ", took, static_cast<double>(during.sent) / n,
                static_cast<double>(during.bytes) / n);
  }
  {  // one more joins
    Beginning beginning{machines(nodes + 1), nullptr};
    std::vector<wire::NodeInfo> roster(beginning.machines.begin(), beginning.machines.end() - 1);
    beginning.snapshot = settled_roster(roster, {});
    Run run(nodes, quiet(nodes + 1), beginning, nodes);
    run.until(seconds{5});
    const Moment begun = run.world().now();
    const Traffic before = run.counter().all;
    const std::uint64_t transactions = run.counter().transactions;
    run.counter().added_at = {};
    run.world().start(nodes);
    run.until(begun + seconds{60}, [&] { return run.counter().added_at > begun; });
    const double added = ms(run.counter().added_at - begun);
    const Moment whole = run.until(begun + seconds{120}, [&] {
      const cluster::ClusterMap& map = run.world().committed();
      std::size_t owned = 0;
      for (std::size_t b = 0; b < kBucketCount; ++b)
        owned += map.cell(BucketId{static_cast<std::uint16_t>(b)}).owner == beginning.machines.back().id ? 1 : 0;
      return run.all_serve() && owned + 1 >= kBucketCount / (nodes + 1);
    });
    const Traffic during = run.counter().all - before;
    std::printf("| %.0f | %.0f | %llu | %.1f ", added, ms(whole - begun),
                static_cast<unsigned long long>(run.counter().transactions - transactions),
                static_cast<double>(during.sent) / n);
  }
  {  // the first assignment of all buckets
    Beginning beginning{machines(nodes), nullptr};
    auto snapshot = std::make_shared<wire::Snapshot>(*settled.snapshot);
    snapshot->cells.assign(kBucketCount, wire::Cell{});
    beginning.snapshot = snapshot;
    Run run(nodes, quiet(nodes), beginning, nodes);
    run.until(seconds{60}, [&] { return run.counter().formed_at > Moment{}; });
    const Moment formed = run.counter().formed_at;
    const Moment whole = run.until(formed + seconds{120}, [&] { return run.all_serve(); });
    std::printf("| %.0f | %llu | %.1f | %.0f | %.0f ", ms(whole - formed),
                static_cast<unsigned long long>(run.counter().transactions),
                static_cast<double>(run.counter().all.sent) / n, static_cast<double>(run.counter().all.bytes) / n,
                ms(run.leader_busy()));
  }
  std::vector<placement::PlanNode> planned;
  for (const wire::NodeInfo& info : settled.machines) planned.push_back({info.id, info.zone, info.weight, true});
  const Duration begun = processor_time();
  static_cast<void>(placement::plan(planned, std::vector<NodeId>(kBucketCount)));
  std::printf("| %.0f |\n", ms(processor_time() - begun));
  std::fflush(stdout);
}

}  // namespace
}  // namespace brigade::sim

int main(int argc, char** argv) {
  std::vector<std::size_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::strtoul(argv[i], nullptr, 10));
  for (const std::size_t size : sizes)
    if (size == 0 || size >= brigade::limits::kNodesMax) {
      std::fprintf(stderr, "a number of nodes is 1 to %zu\n", brigade::limits::kNodesMax - 1);
      return 2;
    }
  if (sizes.empty()) sizes = {5, 50, 200, 1000};
  const brigade::Duration receiving = brigade::sim::cost_of_receiving();
  std::printf("taking a heartbeat's answer off the wire: %.1f us\n\n", brigade::sim::ms(receiving) * 1000);
  std::printf(
      "| nodes | at rest: datagrams/s, bytes/s a node | coordinator: sent/s, received/s, processor ms/s core + wire "
      "| failover: ms, datagrams, bytes a node | join: added ms, whole ms, transactions, datagrams a node "
      "| first assignment: ms, transactions, datagrams, bytes a node, coordinator's ms | planner ms |\n");
  for (const std::size_t size : sizes) brigade::sim::measure(size, receiving);
  return 0;
}
