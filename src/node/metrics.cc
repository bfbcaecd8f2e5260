#include "metrics.h"

#include <sstream>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "brigade/wire/snapshot.h"

namespace brigade::node {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

class Collection {
 public:
  template <class Number>
  void counter(std::string name, std::string help, Number value) {
    begin(std::move(name), std::move(help), MetricType::Counter);
    add({}, static_cast<double>(value));
  }
  template <class Number>
  void gauge(std::string name, std::string help, Number value) {
    begin(std::move(name), std::move(help), MetricType::Gauge);
    add({}, static_cast<double>(value));
  }
  /// A family with labels: begin, then add each.
  void begin(std::string name, std::string help, MetricType type) {
    MetricFamily family;
    family.name = "brigade_" + std::move(name);
    family.help = std::move(help);
    family.type = type;
    families_.push_back(std::move(family));
  }
  void add(std::vector<ClientMetric::Label> labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<MetricFamily> families_;
};

void add_data_plane(Collection& c, const DataStats& s) {
  c.begin("requests_total", "Requests for objects from clients.", MetricType::Counter);
  c.add({{"method", "GET"}}, static_cast<double>(s.gets));
  c.add({{"method", "HEAD"}}, static_cast<double>(s.heads));
  c.add({{"method", "PUT"}}, static_cast<double>(s.puts));
  c.add({{"method", "DELETE"}}, static_cast<double>(s.deletes));
  c.begin("reads_total", "Reads answered, by where the bytes came from.", MetricType::Counter);
  c.add({{"from", "local"}}, static_cast<double>(s.reads_local));
  c.add({{"from", "remote"}}, static_cast<double>(s.reads_remote));
  c.counter("reads_failed_over_total", "Times that a read went on to the next replica.", s.reads_failed_over);
  c.begin("refusals_total", "Requests that were answered with 503, by problem.", MetricType::Counter);
  c.add({{"problem", "unavailable"}}, static_cast<double>(s.unavailable));
  c.add({{"problem", "no-quorum"}}, static_cast<double>(s.no_quorum));
  c.counter("received_bytes_total", "Bytes of object bodies taken in.", s.bytes_in);
  c.counter("sent_bytes_total", "Bytes of object bodies given out.", s.bytes_out);
  c.counter("fetched_objects_total", "Objects fetched from siblings, by filling and comparing.", s.fetched_objects);
  c.counter("fetched_bytes_total", "Bytes of these objects.", s.fetched_bytes);
  c.counter("buckets_filled_total", "Buckets that this node has filled.", s.buckets_filled);
  c.counter("tombstones_collected_total", "Tombstones let go once their retention was over.", s.tombstones_collected);
  c.gauge("staged_writes", "Writes that are staged and neither committed nor rolled back.", s.staged_now);
}

void add_admissions(Collection& c, const Admissions& admissions) {
  c.begin("places_in_use", "Requests under way that hold memory, by kind of work.", MetricType::Gauge);
  for (const Work work : kAllWork)
    c.add({{"work", std::string(name_of(work))}}, static_cast<double>(admissions.stats(work).used.places));
  c.begin("place_bytes", "Bytes that they may hold.", MetricType::Gauge);
  for (const Work work : kAllWork)
    c.add({{"work", std::string(name_of(work))}}, static_cast<double>(admissions.stats(work).used.bytes));
  c.begin("overload_refusals_total",
          "Requests answered with 503 overloaded: there was no room (full), or their client had its share (share).",
          MetricType::Counter);
  for (const Work work : kAllWork) {
    const Admission::Stats stats = admissions.stats(work);
    c.add({{"work", std::string(name_of(work))}, {"reason", "full"}}, static_cast<double>(stats.refused_full));
    c.add({{"work", std::string(name_of(work))}, {"reason", "share"}}, static_cast<double>(stats.refused_share));
  }
}

void add_store(Collection& c, const store::StoreStats& s) {
  c.gauge("objects", "Objects stored here.", s.objects);
  c.gauge("tombstones", "Tombstones stored here.", s.tombstones);
  c.gauge("stored_bytes", "Bytes of the bodies of the objects stored here.", s.bytes);
  c.gauge("corrupt_records", "Records found damaged.", s.corrupt);
  c.gauge("corrupt_records_now", "Records found damaged and not replaced yet.", s.damaged);
  c.counter("repaired_records_total", "Damaged records that were replaced.", s.repaired);
}

void add_scrub(Collection& c, const store::ScrubProgress& p, const ScrubState& state) {
  c.counter("scrub_passes_total", "Times that everything stored here was read and verified.", p.passes);
  c.gauge("scrub_done_bytes", "Bytes verified by the present pass.", p.bytes_done);
  c.gauge("scrub_bytes", "Bytes that the present pass is to verify.", p.bytes_total);
  c.gauge("scrub_bytes_per_second", "Rate of the present pass.", state.bytes_per_second);
  c.gauge("scrub_pass_started_seconds", "Unix time at which the present pass began, 0 before the first.",
          p.started.unix_ms / 1000);
  c.gauge("damaged_segments", "Segments that are damaged and wait to be emptied.", p.set_aside);
}

void add_control_plane(Collection& c, const View& view, const ControlStats& s, bool may_serve) {
  c.counter("datagrams_sent_total", "Cluster datagrams sent.", s.datagrams_sent);
  c.counter("datagrams_received_total", "Cluster datagrams received.", s.datagrams_received);
  c.counter("datagrams_dropped_total", "Cluster datagrams that were refused.", s.datagrams_dropped);
  c.counter("elections_total", "Elections that this node stood for.", s.elections);
  c.gauge("serving", "1 while this node holds a lease.", may_serve ? 1 : 0);
  c.gauge("in_roster", "1 if this node is in the roster that it knows.", view.in_roster ? 1 : 0);
  c.gauge("coordinator", "1 if this node coordinates.", view.is_coordinator ? 1 : 0);
  c.gauge("epoch", "Counter of the group's epoch, 0 without a group.", view.epoch.counter);
  c.gauge("log_seq", "End of this node's log.", view.last.value);
  c.gauge("commit_seq", "Last committed transaction that this node knows.", view.map.seq().value);
  c.gauge("quorum_needed", "Nodes that make a quorum.", view.quorum_needed);
  c.gauge("quorum_present", "Nodes that were heard lately, this one included.", view.present);
  c.begin("node_up", "1 for each node of the roster that is up by the map.", MetricType::Gauge);
  for (const cluster::RosterEntry& entry : view.map.roster()) c.add({{"node", entry.node.name}}, entry.up ? 1 : 0);
}

void add_buckets(Collection& c, const View& view, const BucketCounts& counts) {
  c.begin("buckets", "Buckets of the cluster by state.", MetricType::Gauge);
  for (std::size_t i = 0; i < counts.by_state.size(); ++i)
    c.add({{"state", std::string(wire::state_name(static_cast<wire::BucketState>(i)))}},
          static_cast<double>(counts.by_state[i]));
  c.gauge("buckets_in_sync", "Buckets whose owner is up and holds all of it.", counts.serving);
  c.gauge("buckets_lost", "Buckets that lack something which no node that is up has.", counts.lost);
  c.begin("node_buckets", "Buckets by owner.", MetricType::Gauge);
  for (const cluster::RosterEntry& entry : view.map.roster()) {
    const auto at = counts.owned.find(entry.node.id);
    c.add({{"node", entry.node.name}}, at == counts.owned.end() ? 0 : static_cast<double>(at->second));
  }
}

void add_disks(Collection& c, const std::vector<store::DiskSet::DiskState>& disks) {
  c.begin("disk_up", "1 if the disk works, 0 if it has failed.", MetricType::Gauge);
  for (const auto& disk : disks) c.add({{"path", disk.path}}, disk.failed ? 0 : 1);
  c.begin("disk_object_bytes", "Bytes of live objects on the disk.", MetricType::Gauge);
  for (const auto& disk : disks) c.add({{"path", disk.path}}, static_cast<double>(disk.stats.bytes));
}

}  // namespace

std::string metrics_text(const NodeContext& context, const View& view, const BucketCounts& counts,
                         double uptime_seconds) {
  Collection collection;
  add_control_plane(collection, view, context.control.stats(), context.control.may_serve());
  add_buckets(collection, view, counts);
  add_store(collection, context.store.stats());
  if (context.disks != nullptr) add_disks(collection, context.disks->states());
  collection.gauge("fill_buckets_left", "Buckets that this node has yet to compare and fetch.", context.fill.left());
  add_scrub(collection, context.store.scrub_progress(), context.scrub);
  add_data_plane(collection, context.total_stats());
  add_admissions(collection, context.admissions);
  collection.gauge("uptime_seconds", "Since this process started.", uptime_seconds);
  return collection.text();
}

}  // namespace brigade::node
