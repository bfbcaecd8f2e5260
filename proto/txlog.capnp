# Changes that the transaction log holds, and what they are made of.
# The values are include/brigade/wire/transaction.h; README.md says how these bytes are framed and checked.
#
# To extend: give new fields new numbers, and never give a number a second meaning. A new kind of change is not
# understood by older nodes: it comes with the next protocol version (README.md, "Versions").
@0xbd6470449f9a0370;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("brigade::wire::proto");

struct NodeInfo {
  id @0 :UInt64;
  store @1 :UInt64;
  weight @2 :UInt32;
  name @3 :Text;
  zone @4 :Text;
  client @5 :Text;  # host:port
  peer @6 :Text;    # host:port
  speaks @7 :UInt8 = 1;  # the highest protocol version: README.md, "Versions"
}

enum Reason {
  bootstrap @0;
  demand @1;
  join @2;
  balance @3;
  drain @4;
  failure @5;
  loss @6;
  operator @7;
}

enum Role {
  owner @0;
  newOwner @1;
  standIn @2;
  none @3;
}

struct Assignment {
  role @0 :Role;
  node @1 :UInt64;   # 0 with the role none
  buckets @2 :Data;  # a bucket set: README.md
}

# What NodeReplaced names.
struct Replacement {
  node @0 :UInt64;
  by @1 :UInt64;
}

struct Change {
  union {
    groupFormed :group {
      members @0 :List(UInt64);  # rising; at most 100
      unlisted @1 :UInt32;       # how many more had accepted
    }
    nodeAdded :group {
      node @2 :NodeInfo;
    }
    nodeRemoved :group {
      node @3 :UInt64;
    }
    nodeUp :group {
      node @4 :NodeInfo;
      incarnation @5 :UInt64;
    }
    nodeDown :group {
      node @6 :UInt64;
    }
    bucketsAssigned :group {
      reason @7 :Reason;
      assignments @8 :List(Assignment);
    }
    bucketsFilled :group {
      node @9 :UInt64;
      buckets @10 :Data;
    }
    bucketsReleased :group {
      node @11 :UInt64;
      buckets @12 :Data;
    }
    bucketsMoved :group {
      node @13 :UInt64;
      buckets @14 :Data;
    }
    settingChanged :group {
      name @15 :Text;
      value @16 :Text;
    }
    bucketsEmptied :group {
      node @17 :UInt64;
      buckets @18 :Data;
    }
    nodeDraining :group {
      node @19 :UInt64;
      draining @20 :Bool;
    }
    lossAccepted :group {
      buckets @21 :Data;
    }
    nodeReshaped :group {
      node @22 :UInt64;
      zone @23 :Text;
      weight @24 :UInt32;
    }
    nodeReplaced :group {
      # A struct of its own: two ids here would make every change longer.
      nodes @25 :Replacement;
    }
    versionRaised :group {
      version @26 :UInt8;
    }
  }
}
