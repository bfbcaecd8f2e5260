#include "brigade/cluster/reorder_buffer.h"

#include <utility>

#include "brigade/base/limits.h"

namespace brigade::cluster {

Status ReorderBuffer::insert(Epoch before, wire::LogEntry entry) {
  const Seq seq = entry.seq;
  if (waiting_.contains(seq)) return {};
  if (waiting_.size() >= limits::kReorderEntriesMax) return Error{Errc::kBufferFull, "too many entries arrived early"};
  waiting_.emplace(seq, Waiting{before, std::move(entry)});
  return {};
}

std::optional<wire::LogEntry> ReorderBuffer::take_after(Position position) {
  auto at = waiting_.find(next(position.seq));
  if (at == waiting_.end() || at->second.before != position.epoch) return std::nullopt;
  wire::LogEntry entry = std::move(at->second.entry);
  waiting_.erase(at);
  return entry;
}

void ReorderBuffer::drop_to(Seq upto) {
  waiting_.erase(waiting_.begin(), waiting_.upper_bound(upto));
}

}  // namespace brigade::cluster
