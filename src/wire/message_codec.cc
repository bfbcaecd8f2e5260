#include "capnp_io.h"
#include "control.capnp.h"
#include "transaction_codec.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "brigade/wire/codec.h"
#include "brigade/wire/validate.h"

namespace brigade::wire {

namespace {

static_assert(static_cast<int>(ReportKind::kEmptied) == static_cast<int>(proto::ReportKind::EMPTIED));

// Epochs and positions are groups, each of a type of its own in the generated code.
template <class Group>
void put_epoch(const Epoch& epoch, Group out) {
  out.setCounter(epoch.counter);
  out.setCoordinator(epoch.coordinator.value);
}
template <class Group>
Epoch get_epoch(Group in) {
  return {in.getCounter(), NodeId{in.getCoordinator()}};
}
template <class Group>
void put_position(const Position& position, Group out) {
  put_epoch(position.epoch, out);
  out.setSeq(position.seq.value);
}
template <class Group>
Position get_position(Group in) {
  return {get_epoch(in), Seq{in.getSeq()}};
}

/// The longest start of `text` that ends between two characters and has at most `bytes_max` bytes.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

void write_message(const Probe& m, proto::Message::Builder out) {
  auto p = out.initProbe();
  p.setRound(m.round);
  put_position(m.last, p.getLast());
  put_epoch(m.promised, p.getPromised());
  if (m.join) write(*m.join, p.initJoin());
}
void write_message(const ProbeReply& m, proto::Message::Builder out) {
  auto p = out.initProbeReply();
  p.setRound(m.round);
  put_position(m.last, p.getLast());
  put_epoch(m.promised, p.getPromised());
  if (m.following) put_epoch(*m.following, p.getFollowing());
}
void write_message(const Invitation& m, proto::Message::Builder out) {
  auto invitation = out.initInvitation();
  put_epoch(m.epoch, invitation.getEpoch());
  invitation.setStands(m.stands);
}
void write_message(const Accept& m, proto::Message::Builder out) {
  auto p = out.initAccept();
  put_epoch(m.epoch, p.getEpoch());
  put_position(m.last, p.getLast());
  write(m.node, p.initNode());
  p.setDamaged(m.damaged);
}
void write_message(const Refusal& m, proto::Message::Builder out) {
  auto p = out.initRefusal();
  put_epoch(m.epoch, p.getEpoch());
  put_epoch(m.promised, p.getPromised());
}
void write_message(const JoinRefusal& m, proto::Message::Builder out) {
  out.initJoinRefusal().setWhy(text(std::string(cut(m.why, JoinRefusal::kWhyBytesMax))));
}
void write_message(const Ready& m, proto::Message::Builder out) {
  auto p = out.initReady();
  put_epoch(m.epoch, p.getEpoch());
  p.setFormed(m.formed.value);
}
void write_message(const Append& m, proto::Message::Builder out) {
  auto p = out.initAppend();
  put_epoch(m.epoch, p.getEpoch());
  put_position(m.before, p.getBefore());
  p.setCommit(m.commit.value);
  p.setFetched(m.fetched);
  auto entries = p.initEntries(static_cast<unsigned>(m.entries.size()));
  for (unsigned i = 0; i < entries.size(); ++i) {
    put_epoch(m.entries[i].epoch, entries[i].getEpoch());
    entries[i].setSeq(m.entries[i].seq.value);
    write(m.entries[i].change, entries[i].initChange());
  }
}
void write_message(const Ack& m, proto::Message::Builder out) {
  auto p = out.initAck();
  put_epoch(m.epoch, p.getEpoch());
  p.setSeq(m.seq.value);
}
void write_message(const LogRequest& m, proto::Message::Builder out) {
  auto p = out.initLogRequest();
  put_epoch(m.epoch, p.getEpoch());
  p.setFrom(m.from.value);
  p.setTo(m.to.value);
}
void write_message(const LogCut& m, proto::Message::Builder out) {
  auto p = out.initLogCut();
  put_epoch(m.epoch, p.getEpoch());
  p.setFirst(m.first.value);
}
void put_bits(const std::vector<bool>& bits, capnp::List<bool>::Builder out) {
  for (unsigned i = 0; i < out.size(); ++i) out.set(i, bits[i]);
}
void write_message(const Heartbeat& m, proto::Message::Builder out) {
  auto p = out.initHeartbeat();
  put_epoch(m.epoch, p.getEpoch());
  p.setRound(m.round);
  p.setRosterSeq(m.roster_seq.value);
  put_bits(m.answered, p.initAnswered(static_cast<unsigned>(m.answered.size())));
  put_bits(m.answered_earlier, p.initAnsweredEarlier(static_cast<unsigned>(m.answered_earlier.size())));
  p.setGrantNs(static_cast<std::uint64_t>(m.grant.count()));
  p.setGrantSeq(m.grant_seq.value);
  p.setLast(m.last.value);
  p.setCommit(m.commit.value);
  p.setLeaseNs(static_cast<std::uint64_t>(m.lease.count()));
}
void write_message(const HeartbeatReply& m, proto::Message::Builder out) {
  auto p = out.initHeartbeatReply();
  put_epoch(m.epoch, p.getEpoch());
  p.setRound(m.round);
  p.setAcked(m.acked.value);
  p.setApplied(m.applied.value);
}
void write_message(const Report& m, proto::Message::Builder out) {
  auto p = out.initReport();
  p.setKind(static_cast<proto::ReportKind>(m.kind));
  p.setAsOf(m.as_of.value);
  p.setNode(m.node.value);
  p.setBuckets(as_data(m.buckets.encoded()));
}

Probe read_probe(proto::Probe::Reader in) {
  Probe m{in.getRound(), get_position(in.getLast()), get_epoch(in.getPromised()), std::nullopt};
  if (in.hasJoin()) m.join = read(in.getJoin());
  return m;
}

ProbeReply read_probe_reply(proto::ProbeReply::Reader in) {
  ProbeReply m{in.getRound(), get_position(in.getLast()), get_epoch(in.getPromised()), std::nullopt};
  if (const Epoch following = get_epoch(in.getFollowing()); following != Epoch{}) m.following = following;
  return m;
}

Result<Message> read_append(proto::Append::Reader in) {
  Append m{get_epoch(in.getEpoch()), get_position(in.getBefore()), Seq{in.getCommit()}, in.getFetched(), {}};
  auto entries = in.getEntries();
  m.entries.reserve(entries.size());
  for (auto entry : entries) {
    auto change = read(entry.getChange());
    if (!change) return change.error();
    m.entries.push_back({get_epoch(entry.getEpoch()), Seq{entry.getSeq()}, *std::move(change)});
  }
  return Message(std::move(m));
}

/// A duration as it came; too long ones stay too long, and validate() refuses them.
Duration duration(std::uint64_t ns) {
  const auto longest = static_cast<std::uint64_t>(Duration::max().count());
  return Duration(static_cast<Duration::rep>(ns < longest ? ns : longest));
}

Heartbeat read_heartbeat(proto::Heartbeat::Reader in) {
  Heartbeat m;
  m.epoch = get_epoch(in.getEpoch());
  m.round = in.getRound();
  m.roster_seq = Seq{in.getRosterSeq()};
  for (bool bit : in.getAnswered()) m.answered.push_back(bit);
  for (bool bit : in.getAnsweredEarlier()) m.answered_earlier.push_back(bit);
  m.grant = duration(in.getGrantNs());
  m.grant_seq = Seq{in.getGrantSeq()};
  m.last = Seq{in.getLast()};
  m.commit = Seq{in.getCommit()};
  m.lease = duration(in.getLeaseNs());
  return m;
}

Result<Message> read_report(proto::Report::Reader in) {
  if (in.getKind() > proto::ReportKind::EMPTIED)
    return Error(Errc::kInvalid, "a Report of the unknown kind " + std::to_string(static_cast<unsigned>(in.getKind())));
  auto buckets = read_buckets(in.getBuckets());
  if (!buckets) return buckets.error();
  return Message(
      Report{static_cast<ReportKind>(in.getKind()), Seq{in.getAsOf()}, *std::move(buckets), NodeId{in.getNode()}});
}

Result<Message> read_message(proto::Message::Reader in) {
  switch (in.which()) {
    case proto::Message::PROBE:
      return Message(read_probe(in.getProbe()));
    case proto::Message::PROBE_REPLY:
      return Message(read_probe_reply(in.getProbeReply()));
    case proto::Message::INVITATION:
      return Message(Invitation{get_epoch(in.getInvitation().getEpoch()), in.getInvitation().getStands()});
    case proto::Message::ACCEPT: {
      auto p = in.getAccept();
      return Message(Accept{get_epoch(p.getEpoch()), get_position(p.getLast()), read(p.getNode()), p.getDamaged()});
    }
    case proto::Message::REFUSAL: {
      auto p = in.getRefusal();
      return Message(Refusal{get_epoch(p.getEpoch()), get_epoch(p.getPromised())});
    }
    case proto::Message::JOIN_REFUSAL:
      return Message(JoinRefusal{text(in.getJoinRefusal().getWhy())});
    case proto::Message::READY: {
      auto p = in.getReady();
      return Message(Ready{get_epoch(p.getEpoch()), Seq{p.getFormed()}});
    }
    case proto::Message::APPEND:
      return read_append(in.getAppend());
    case proto::Message::ACK: {
      auto p = in.getAck();
      return Message(Ack{get_epoch(p.getEpoch()), Seq{p.getSeq()}});
    }
    case proto::Message::LOG_REQUEST: {
      auto p = in.getLogRequest();
      return Message(LogRequest{get_epoch(p.getEpoch()), Seq{p.getFrom()}, Seq{p.getTo()}});
    }
    case proto::Message::LOG_CUT: {
      auto p = in.getLogCut();
      return Message(LogCut{get_epoch(p.getEpoch()), Seq{p.getFirst()}});
    }
    case proto::Message::HEARTBEAT:
      return Message(read_heartbeat(in.getHeartbeat()));
    case proto::Message::HEARTBEAT_REPLY: {
      auto p = in.getHeartbeatReply();
      return Message(HeartbeatReply{get_epoch(p.getEpoch()), p.getRound(), Seq{p.getAcked()}, Seq{p.getApplied()}});
    }
    case proto::Message::REPORT:
      return read_report(in.getReport());
  }
  return Error(Errc::kInvalid, "a message of the unknown kind " + std::to_string(static_cast<unsigned>(in.which())) +
                                   ": it comes from another release; run the same one on all nodes");
}

}  // namespace

Bytes encode(const Message& message) {
  SmallBuilder builder;
  std::visit([&](const auto& kind) { write_message(kind, builder->initRoot<proto::Message>()); }, message);
  return flatten(*builder);
}

std::size_t encoded_bytes(const Message& message) {
  SmallBuilder builder;
  std::visit([&](const auto& kind) { write_message(kind, builder->initRoot<proto::Message>()); }, message);
  return flat_bytes(*builder);
}

Result<Message> decode_message(std::span<const std::byte> bytes) {
  if (bytes.size() > kMessageBytesMax)
    return Error(Errc::kInvalid, "a message of " + std::to_string(bytes.size()) + " bytes; at most " +
                                     std::to_string(kMessageBytesMax) + " are allowed");
  auto message = read_root<proto::Message>(bytes, 8 * 1024, "a message", read_message);
  if (!message) return message;
  if (Status valid = validate(*message); !valid) return valid.error();
  return message;
}

}  // namespace brigade::wire
