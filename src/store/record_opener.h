// Opens objects for reading, wherever compaction has moved them meanwhile.  Source: design §6 Reads.
// Thread:  any thread.
#pragma once

#include "committer.h"

#include <memory>

namespace brigade::store {

class RecordOpener {
 public:
  RecordOpener(StoreParts parts, Committer& committer) : parts_(std::move(parts)), committer_(committer) {}

  /// A small object, if all of it is in memory and right.
  std::unique_ptr<ObjectReader> open_cached(const ObjectId& id);
  /// The present record, a tombstone too. Errors: kNotFound, kCorrupt, kOverloaded.
  Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id);
  /// One that was replaced and is retained.
  Result<std::unique_ptr<ObjectReader>> open_retained(const ObjectId& id, Revision revision);

 private:
  Result<std::unique_ptr<ObjectReader>> open_small(const IndexRecord& record);
  Result<std::unique_ptr<ObjectReader>> open_large(const FoundRecord& found);

  StoreParts parts_;
  Committer& committer_;
};

}  // namespace brigade::store
