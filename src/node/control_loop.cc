#include "control_loop.h"

#include "address.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/random.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "brigade/base/check.h"
#include "brigade/base/prng.h"
#include "brigade/wire/validate.h"

namespace brigade::node {
namespace {

constexpr std::size_t kReportSetBytesMax = 1000;  ///< the rest of a datagram is enough for what else a Report says

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  ssize_t got = 0;
  do {
    got = ::getrandom(&seed, sizeof seed, 0);
  } while (got < 0 && errno == EINTR);
  BRIGADE_CHECK(got == static_cast<ssize_t>(sizeof seed), "getrandom: " << std::strerror(errno));
  return seed;
}

std::string multicast_interface(const Config& config) {
  if (!config.interface.empty()) return config.interface;
  const auto peer = parse_host_port(config.peer_advertise.empty() ? config.peer_listen : config.peer_advertise);
  return peer && is_ipv4(peer->host) ? peer->host : std::string();
}

Status check_identity(const Control::Options& options, const store::JournalState& state) {
  BRIGADE_CHECK(!state.commit || state.damaged || state.snapshot || !state.log.empty(),
                "the journal's state was taken before: this node would forget what it has acknowledged");
  if (state.identity.node != options.self.id || state.identity.store != options.self.store)
    return Error{Errc::kInvalid, "the journal is of node " + to_string(state.identity.node) + ", not of " +
                                     to_string(options.self.id) + ": restore the right directory"};
  if (state.identity.cluster != options.config.cluster)
    return Error{Errc::kInvalid, "the journal is of cluster " + to_string(state.identity.cluster) +
                                     ", the configuration of " + to_string(options.config.cluster) +
                                     ": restore the right brigade.toml"};
  return {};
}

/// Writes where the process writes.
std::shared_ptr<spdlog::logger> make_logger(const std::string& level) {
  auto logger = spdlog::default_logger()->clone("control");
  logger->set_level(spdlog::level::from_str(level));
  return logger;
}

/// What this node knows to be committed, for people: without the time, which the journal does not hold.
void keep_old_lines(Published& published, const store::JournalState& state) {
  const auto above = std::ranges::upper_bound(state.log, state.commit, {}, &wire::LogEntry::seq);
  const auto count = std::min<std::ptrdiff_t>(above - state.log.begin(), Published::kLinesKept);
  for (auto at = above - count; at != above; ++at) published.keep(*at, WallTime{});
}

}  // namespace

Result<std::unique_ptr<ControlLoop>> ControlLoop::make(boost::asio::io_context& io, Control::Options options,
                                                       Published& published) {
  store::JournalState state = options.journal->take_state();
  if (auto ok = check_identity(options, state); !ok) return ok.error();
  keep_old_lines(published, state);
  cluster::Boot boot{state.identity.cluster, state.incarnation, state.promised, std::move(state.snapshot),
                     std::move(state.log),   state.commit,      state.damaged};
  auto member = cluster::Member::make(options.self, std::move(boot), Prng(random_seed()), boot_now());
  if (!member) return member.error();
  if (state.damaged && (*member)->in_roster() && (*member)->quorum_needed() == 1)
    return Error{
        Errc::kCorrupt,
        "the journal has lost entries, and no other node is there to take them from: restore it from a backup"};
  std::unique_ptr<ControlLoop> loop(new ControlLoop(io, std::move(options), state, std::move(*member), published));
  if (auto ok = loop->open(io); !ok) return ok.error();
  return loop;
}

ControlLoop::ControlLoop(boost::asio::io_context& io, Control::Options options, const store::JournalState& state,
                         std::unique_ptr<cluster::Member> member, Published& published)
    : config_(std::move(options.config)),
      self_(options.self.id),
      on_view_(std::move(options.on_view)),
      fetch_index_(std::move(options.fetch_index)),
      on_fatal_(std::move(options.on_fatal)),
      published_(published),
      member_(std::move(member)),
      sealer_(options.secret, state.identity.cluster, self_, state.incarnation, options.self.speaks),
      opener_(options.secret, state.identity.cluster, self_, options.self.speaks),
      nodes_(self_),
      story_(make_logger(config_.log_level), nodes_, self_, options.self.speaks),
      timer_(io),
      resolver_(io.get_executor()),
      journal_(std::move(options.journal), [this, &io](const Result<std::uint64_t>& durable) {
        boost::asio::post(io, [this, durable] { on_journal(durable); });
      }) {
  nodes_.read_roster(*member_);
  publish(boot_now());
}

Status ControlLoop::open(boost::asio::io_context& io) {
  net::UdpOptions options;
  options.unicast = config_.peer_listen;
  if (config_.transport == Transport::kMulticast) {
    options.multicast = config_.multicast;
    options.interface = multicast_interface(config_);
  }
  auto port = net::UdpPort::open(
      io.get_executor(), std::move(options),
      [this](std::span<const std::byte> datagram, const std::string& from) { on_datagram(datagram, from); });
  if (!port) return port.error();
  port_ = std::move(*port);
  return {};
}

void ControlLoop::begin() {
  if (!member_->is_whole()) story_.damaged();
  story_.started(*member_, port_->address(),
                 config_.transport == Transport::kMulticast ? "multicast " + config_.multicast : "unicast");
  if (on_view_) on_view_(view_);
  give([](cluster::Member& m, Instant now) { return m.tick(now); });
}

void ControlLoop::close() {
  if (dead_) return;
  dead_ = true;
  published_.set_serve_until(Instant{});
  timer_.cancel();
  resolver_.close();
  port_.reset();
  proposals_.abandon({Errc::kUnavailable, "this node stops: the outcome is open; look before asking again"});
}

template <class Input>
void ControlLoop::give(Input input) {
  if (dead_) return;
  const Instant now = boot_now();
  carry_out(now, input(*member_, now));
}

void ControlLoop::on_datagram(std::span<const std::byte> datagram, const std::string& from) {
  if (dead_) return;
  const Instant now = boot_now();
  const auto opened = opener_.open(datagram);
  if (!opened) {
    if (opened.error() == wire::Drop::kOwn) return;  // multicast comes back
    ++published_.received;
    ++published_.dropped;
    story_.dropped(now, opened.error(), datagram, from);
    return;
  }
  ++published_.received;
  nodes_.heard(now, *opened, from);
  relay(now, *opened, datagram);
  give([&](cluster::Member& m, Instant at) { return m.step(at, *opened); });
}

/// Without multicast a request to join reaches only those that the new node was told of. Any of them will do: they pass
/// it on as it is, and the coordinator answers the address that is in it.
void ControlLoop::relay(Instant now, const wire::Envelope& envelope, std::span<const std::byte> datagram) {
  if (config_.transport != Transport::kUnicast || member_->is_coordinator() || !member_->coordinator()) return;
  const auto* probe = std::get_if<wire::Probe>(&envelope.message);
  if (probe == nullptr || !probe->join || envelope.from == member_->coordinator()) return;
  send_to(now, nodes_.address(member_->coordinator()), {datagram.begin(), datagram.end()});
}

void ControlLoop::on_timer() {
  if (dead_) return;
  armed_for_ = kNever;
  if (boot_now() < member_->next_tick()) {
    arm();
  } else {
    give([](cluster::Member& m, Instant now) { return m.tick(now); });
  }
}

void ControlLoop::on_journal(const Result<std::uint64_t>& durable) {
  if (dead_) return;
  if (durable) {
    give([&](cluster::Member& m, Instant now) { return m.persisted(now, *durable); });
    return;
  }
  story_.died(durable.error());
  close();
  if (on_fatal_) on_fatal_("the journal failed: " + durable.error().detail());
}

void ControlLoop::report(const wire::Report& report) {
  // A statement about many scattered buckets is as many statements as datagrams hold.
  if (report.buckets.encoded_bytes() > kReportSetBytesMax) {
    wire::Report part = report;
    for (BucketSet& buckets : report.buckets.split(kReportSetBytesMax)) {
      part.buckets = std::move(buckets);
      give([&](cluster::Member& m, Instant now) { return m.report(now, part); });
    }
    return;
  }
  give([&](cluster::Member& m, Instant now) { return m.report(now, report); });
}

void ControlLoop::propose(const wire::Change& change, Proposals::Done done) {
  if (dead_) {
    done(Error{Errc::kUnavailable, "this node stops: ask another"});
    return;
  }
  if (auto ok = wire::validate(change); !ok) {
    done(ok.error());
    return;
  }
  if (proposals_.is_full()) {
    done(Error{Errc::kOverloaded, "too many changes wait to be confirmed: ask again"});
    return;
  }
  const Instant now = boot_now();
  cluster::Effects effects;
  const auto position = member_->propose(now, change, effects);
  if (position) proposals_.add(now, *position, std::move(done));
  carry_out(now, std::move(effects));
  if (!position) done(position.error());
}

void ControlLoop::index_fetched(const Result<wire::Snapshot>& snapshot) {
  if (!snapshot) story_.index_failed(snapshot.error());
  give([&](cluster::Member& m, Instant now) { return snapshot ? m.on_index(now, *snapshot) : m.on_index_failed(now); });
}

}  // namespace brigade::node
