# The messages between the control planes of nodes, each the body of one datagram.
# The values are include/brigade/wire/message.h; README.md has the frame around them and the rules they must keep.
@0xeef57abd661a8d54;

using Cxx = import "/capnp/c++.capnp";
using TxLog = import "txlog.capnp";
$Cxx.namespace("brigade::wire::proto");

struct Message {
  union {
    probe @0 :Probe;
    probeReply @1 :ProbeReply;
    invitation @2 :Invitation;
    accept @3 :Accept;
    refusal @4 :Refusal;
    joinRefusal @5 :JoinRefusal;
    ready @6 :Ready;
    append @7 :Append;
    ack @8 :Ack;
    logRequest @9 :LogRequest;
    logCut @10 :LogCut;
    heartbeat @11 :Heartbeat;
    heartbeatReply @12 :HeartbeatReply;
    report @13 :Report;
  }
}

# Throughout: an epoch is (counter, coordinator), both 0 for none; a position is (epoch, seq), all 0 for none.
# Durations are in nanoseconds.

struct Probe {
  round @0 :UInt64;
  last :group {
    counter @1 :UInt64;
    coordinator @2 :UInt64;
    seq @3 :UInt64;
  }
  promised :group {
    counter @4 :UInt64;
    coordinator @5 :UInt64;
  }
  join @6 :TxLog.NodeInfo;  # null: the sender is in the roster that it knows
}

struct ProbeReply {
  round @0 :UInt64;
  last :group {
    counter @1 :UInt64;
    coordinator @2 :UInt64;
    seq @3 :UInt64;
  }
  promised :group {
    counter @4 :UInt64;
    coordinator @5 :UInt64;
  }
  following :group {  # none: no live coordinator is heard
    counter @6 :UInt64;
    coordinator @7 :UInt64;
  }
}

struct Invitation {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  stands @2 :Bool;  # the group: a newcomer joins it only if it hears its heartbeats
}

struct Accept {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  last :group {
    counter @2 :UInt64;
    coordinator @3 :UInt64;
    seq @4 :UInt64;
  }
  node @5 :TxLog.NodeInfo;
  damaged @6 :Bool;
}

struct Refusal {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  promised :group {
    counter @2 :UInt64;
    coordinator @3 :UInt64;
  }
}

struct JoinRefusal {
  why @0 :Text;
}

struct Ready {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  formed @2 :UInt64;
}

struct LogEntry {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  seq @2 :UInt64;
  change @3 :TxLog.Change;
}

struct Append {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  before :group {
    counter @2 :UInt64;
    coordinator @3 :UInt64;
    seq @4 :UInt64;
  }
  commit @5 :UInt64;
  fetched @6 :Bool;
  entries @7 :List(LogEntry);
}

struct Ack {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  seq @2 :UInt64;
}

struct LogRequest {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  from @2 :UInt64;
  to @3 :UInt64;  # exclusive
}

struct LogCut {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  first @2 :UInt64;
}

struct Heartbeat {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  round @2 :UInt64;
  rosterSeq @3 :UInt64;
  answered @4 :List(Bool);
  grantNs @5 :UInt64;
  grantSeq @6 :UInt64;
  last @7 :UInt64;
  commit @8 :UInt64;
  leaseNs @9 :UInt64;
  answeredEarlier @10 :List(Bool);
}

struct HeartbeatReply {
  epoch :group {
    counter @0 :UInt64;
    coordinator @1 :UInt64;
  }
  round @2 :UInt64;
  acked @3 :UInt64;
  applied @4 :UInt64;
}

enum ReportKind {
  wanted @0;
  filled @1;
  released @2;
  unreachable @3;
  emptied @4;
}

struct Report {
  kind @0 :ReportKind;
  asOf @1 :UInt64;
  node @2 :UInt64;
  buckets @3 :Data;  # a bucket set: README.md
}
