#include "control_journal.h"

#include "thread_role.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "brigade/base/ids.h"

namespace brigade::node {
namespace {

Status apply(store::Journal& journal, const cluster::PersistOp& op) {
  if (const auto* promise = std::get_if<cluster::SetPromise>(&op)) return journal.set_promise(promise->promised);
  if (const auto* append = std::get_if<cluster::AppendEntries>(&op)) return journal.append(append->entries);
  if (const auto* truncate = std::get_if<cluster::TruncateFrom>(&op)) return journal.truncate_from(truncate->from);
  if (const auto* install = std::get_if<cluster::InstallSnapshot>(&op))
    return journal.install_snapshot(*install->snapshot);
  return journal.set_commit(std::get<cluster::SetCommit>(op).commit);
}

bool is_hint(const cluster::PersistOp& op) {
  return std::holds_alternative<cluster::SetCommit>(op);
}

}  // namespace

JournalWriter::JournalWriter(std::unique_ptr<store::Journal> journal, Done done)
    : journal_(std::move(journal)), done_(std::move(done)), thread_([this] { run(); }) {}

void JournalWriter::submit(cluster::PersistBatch batch) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(batch));
  }
  work_.notify_one();
}

void JournalWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool JournalWriter::wait_for(Batches& batches) {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  batches = std::exchange(waiting_, {});
  return !batches.empty();
}

void JournalWriter::run() {
  take_role(ThreadRole::kControl, "journal");
  Batches batches;
  while (wait_for(batches)) {
    if (auto written = write(batches); !written) {
      done_(written.error());
      journal_.reset();
      return;
    }
    done_(batches.back().number);
  }
  // The last commit hint makes the next start show more of the map at once. Without it nothing is lost.
  (void)journal_->flush();
  journal_.reset();  // whoever stopped this may open it again
}

Status JournalWriter::write(const Batches& batches) {
  bool only_hints = true;
  for (const cluster::PersistBatch& batch : batches) {
    for (const cluster::PersistOp& op : batch.ops) {
      if (auto ok = apply(*journal_, op); !ok) return ok;
      only_hints = only_hints && is_hint(op);
    }
  }
  return only_hints ? Status() : journal_->flush();
}

}  // namespace brigade::node
