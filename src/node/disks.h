// The disks of a node: opening them, and what happens when one fails.  Source: design §6.
// Concept: with one data directory the store is that directory's. With further disks it is a DiskSet over all. A disk
//          that fails while the node runs takes its buckets down and not the node: they are served no more, the
//          coordinator is told until the log says so (BucketsEmptied), and then they are filled anew on the disks that
//          are left. The node's own directory holds its log, too: without that it leaves.
// Thread:  the data plane's executor.
#pragma once

#include "disk_register.h"
#include "node_context.h"

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/array.hpp>

#include "brigade/node/data_lock.h"
#include "brigade/store/disk_set.h"
#include "brigade/store/file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::node {

struct OpenDisks {
  std::unique_ptr<store::ObjectStore> store;
  store::DiskSet* set = nullptr;  ///< the same, if there are several disks
  DiskRegister known;
  std::vector<DataLock> locks;  ///< of the further disks
};

/// Whether this program reads what is on all of them; what else may be wrong with a disk is for open_disks() to say.
/// Changes nothing. Blocks. Errors: kConflict: something has another format version.
Status check_disk_versions(store::FileSystem& file_system, const DataDir& dir, const std::vector<std::string>& paths);

/// Blocks. Errors: each names the disk and what to do.
Result<OpenDisks> open_disks(store::FileSystem& file_system, const DataDir& dir, const std::vector<std::string>& paths,
                             const std::vector<std::string>& give_up, const store::Identity& self,
                             const store::SegmentStoreOptions& options);

class DiskKeeper {
 public:
  DiskKeeper(NodeContext& context, store::DiskSet& set, DiskRegister known);
  /// Until stop().
  asio::awaitable<void> run();
  void stop() { stopped_ = true; }

 private:
  void add_lost(Withheld::Buckets& buckets, const View& view) const;
  void look_for_failures(const View& view);
  void look_for_what_was_lost(const View& view);
  void report(const View& view);
  void give_other_disks(std::map<BucketId, Seq>& emptied, const View& view);
  [[nodiscard]] bool is_missed(const View& view, BucketId bucket) const;
  asio::awaitable<void> save();

  NodeContext& context_;
  store::DiskSet& set_;
  DiskRegister known_;
  std::set<std::size_t> noted_;  ///< disks
  bool unsaved_ = false;
  bool stopped_ = false;
};

/// Path, state, objects, bytes of each; empty with one directory alone.
boost::json::array disks_json(const NodeContext& context);

}  // namespace brigade::node
