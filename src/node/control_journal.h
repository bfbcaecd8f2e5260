// The thread that writes the journal.  Source: design §4 Log ("what must be on disk before a message leaves").
// Concept: batches are applied in order; all that wait are made durable by one flush (group commit), so a slow disk
// makes
//          groups larger and not the queue longer. A commit hint alone is not worth a flush.
// Thread:  submit() and stop() by the owner; `done` is called on the journal thread.
// Errors:  the first one is final: it is told once, and nothing is written any more.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/cluster/effects.h"
#include "brigade/store/journal.h"

namespace brigade::node {

class JournalWriter {
 public:
  /// Told the number of the last batch that is durable, which covers all before it, or the error.
  using Done = std::function<void(Result<std::uint64_t>)>;

  JournalWriter(std::unique_ptr<store::Journal> journal, Done done);
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;
  ~JournalWriter() { stop(); }

  /// Never blocks on the disk.
  void submit(cluster::PersistBatch batch);
  /// Writes what was submitted, closes the journal, and ends the thread. Idempotent.
  void stop();

 private:
  using Batches = std::vector<cluster::PersistBatch>;

  void run();
  /// Blocks until there is something to do. False at the end.
  bool wait_for(Batches& batches);
  Status write(const Batches& batches);

  std::unique_ptr<store::Journal> journal_;
  Done done_;
  std::mutex mutex_;
  std::condition_variable work_;
  Batches waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace brigade::node
