// Whom a transaction is about, for people and their tools.  Thread: pure.
#pragma once

#include "brigade/base/ids.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

/// Who formed a group, was added, removed, is up or down, has filled, released or moved buckets; none for the others.
NodeId subject_of(const LogEntry& entry);

}  // namespace brigade::wire
