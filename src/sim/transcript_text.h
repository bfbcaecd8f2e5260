// Messages, transactions and events in words.  Thread: pure functions over what they are given.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "brigade/cluster/effects.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

/// How nodes are called.
using Namer = std::function<std::string(NodeId)>;

std::string epoch_text(const Epoch& epoch, const Namer& name);
/// "seq 4 of 2.n1", "nothing".
std::string position_text(const Position& position, const Namer& name);
std::string change_text(const wire::Change& change, const Namer& name);
/// The transaction is about buckets only: there are many of these.
bool is_about_buckets(const wire::Change& change);
/// Without the kind. `confirmed` are the nodes whose bit a heartbeat sets, if it is one.
std::string message_text(const wire::Message& message, const std::string& confirmed, const Namer& name);
std::string event_text(const cluster::Event& event, const Namer& name);
/// What a batch makes durable: "promise 2.n1, entries 5 to 7".
std::string batch_text(const cluster::PersistBatch& batch, const Namer& name);

}  // namespace brigade::sim
