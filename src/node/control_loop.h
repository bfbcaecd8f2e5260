// The executor of the member's effects: what happens on the control thread.
// Concept: every input (datagram, timer, finished write, request) is one step: the member decides, then, in this order,
//          the journal gets its batch, the new view and the end of the lease are published, datagrams leave, callbacks
//          run. So whoever hears of a promise or of a position hears it after this node acts by it.
// Thread:  the control thread, but for the constructor.
#pragma once

#include "control_address_book.h"
#include "control_journal.h"
#include "control_proposals.h"
#include "control_published.h"
#include "control_resolver.h"
#include "control_story.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "brigade/cluster/member.h"
#include "brigade/net/udp.h"
#include "brigade/node/control.h"
#include "brigade/wire/auth.h"

namespace brigade::node {

class ControlLoop {
 public:
  /// Opens the sockets and the member; nothing moves before begin(). `published` and `io` outlive the loop.
  static Result<std::unique_ptr<ControlLoop>> make(boost::asio::io_context& io, Control::Options options,
                                                   Published& published);
  ControlLoop(const ControlLoop&) = delete;
  ControlLoop& operator=(const ControlLoop&) = delete;

  void begin();
  void report(const wire::Report& report);
  void propose(const wire::Change& change, Proposals::Done done);
  void index_fetched(const Result<wire::Snapshot>& snapshot);
  /// Closes the sockets and fails what is open. Later inputs do nothing.
  void close();
  /// Blocks until the journal is written and closed. On any thread, after close().
  void join_journal() { journal_.stop(); }

 private:
  ControlLoop(boost::asio::io_context& io, Control::Options options, const store::JournalState& state,
              std::unique_ptr<cluster::Member> member, Published& published);
  Status open(boost::asio::io_context& io);

  // Inputs
  template <class Input>
  void give(Input input);
  void on_datagram(std::span<const std::byte> datagram, const std::string& from);
  void on_timer();
  void on_journal(const Result<std::uint64_t>& durable);

  // Effects: control_effects.cc
  void carry_out(Instant now, cluster::Effects effects);
  void leave(std::string why);
  void write(cluster::PersistBatch batch);
  std::shared_ptr<const View> publish(Instant now);
  void note_join(const cluster::Effects& effects);
  [[nodiscard]] bool shows(const View& view) const;
  void send(Instant now, const cluster::Send& out);
  void send_to(Instant now, const std::string& address, const wire::Bytes& datagram);
  [[nodiscard]] std::vector<std::string> destinations(Instant now, const cluster::Send& out) const;
  void relay(Instant now, const wire::Envelope& envelope, std::span<const std::byte> datagram);
  void fetch_index(NodeId from);
  void arm();

  const Config config_;
  const NodeId self_;
  const std::function<void(std::shared_ptr<const View>)> on_view_;
  const std::function<void(std::string)> fetch_index_;
  const std::function<void(std::string)> on_fatal_;
  Published& published_;

  std::unique_ptr<cluster::Member> member_;
  wire::DatagramSealer sealer_;
  wire::DatagramOpener opener_;
  AddressBook nodes_;
  Proposals proposals_;
  Story story_;

  boost::asio::steady_timer timer_;
  PeerResolver resolver_;
  std::unique_ptr<net::UdpPort> port_;
  JournalWriter journal_;

  Instant armed_for_ = kNever;
  std::shared_ptr<const View> view_;
  std::string join_refused_;
  std::size_t present_ = 0;  ///< counting takes a look at each node: not at each datagram
  Instant present_until_{};
  bool dead_ = false;
};

}  // namespace brigade::node
