# The state that the committed log describes, whole: index transfer and the journal's snapshot.
# The values are include/brigade/wire/snapshot.h; README.md has the header and trailer around this.
@0xfb705804f26c3c51;

using Cxx = import "/capnp/c++.capnp";
using TxLog = import "txlog.capnp";
$Cxx.namespace("brigade::wire::proto");

struct RosterEntry {
  node @0 :TxLog.NodeInfo;
  incarnation @1 :UInt64;
  up @2 :Bool;
  added @3 :UInt64;
  changed @4 :UInt64;
  draining @5 :Bool;
}

struct Setting {
  name @0 :Text;
  value @1 :Text;
}

# One column for each field of a cell: all 65 536 values in the order of the buckets, as runs (README.md, "Columns").
struct Cells {
  owner @0 :Data;         # 0: none, n: the n-th node of the roster, counted from 1
  newOwner @1 :Data;      # the same
  condition @2 :Data;     # state + 8 * inSync + 16 * newFilled + 32 * reason
  assigned @3 :Data;      # seq
  newAssigned @4 :Data;   # seq
  ownerInSync @5 :Data;   # seq
  bucketInSync @6 :Data;  # seq
}

struct Snapshot {
  cluster @0 :UInt64;
  last :group {
    counter @1 :UInt64;
    coordinator @2 :UInt64;
    seq @3 :UInt64;
  }
  rosterSeq @4 :UInt64;
  view @5 :UInt64;
  roster @6 :List(RosterEntry);  # rising by id
  removed @7 :List(UInt64);      # rising
  settings @8 :List(Setting);    # rising by name
  cells @9 :Cells;
}
