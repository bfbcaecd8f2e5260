// Which further disks a node has: DIR/disks, and the mark on each.  Source: design §6.
// Concept: the objects of a node that has several disks are spread over them. So a disk that was used and is not there
// is
//          no empty one: the node starts without it only when told to give it up, and then says so to the cluster. A
//          disk that was given up is not read again, whatever is on it.
// Thread:  values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/node/config.h"
#include "brigade/store/journal.h"

namespace brigade::node {

struct KnownDisk {
  std::uint64_t id = 0;
  std::string path;
  bool given_up = false;
  bool operator==(const KnownDisk&) const = default;
};

class DiskRegister {
 public:
  /// Empty if there is no such file. Errors: kInvalid (line and key), kIo.
  static Result<DiskRegister> load(const DataDir& dir);
  /// Errors: kConflict: what is at one of `paths` has a mark of another format version.
  static Status check_marks(const std::vector<std::string>& paths);
  /// Durably, in place of what was there. Errors: kIo, kNoSpace.
  [[nodiscard]] Status save() const;

  /// Makes `paths` the disks of this node: knows again those that were used before by their marks, and marks the new
  /// ones, which must be empty directories. `give_up`: paths of disks that are lost. Returns the paths to use, those
  /// that were given up before left out. Saves. Errors: kNotFound, kConflict, kInvalid, each with what to do; kIo.
  Result<std::vector<std::string>> settle(const std::vector<std::string>& paths,
                                          const std::vector<std::string>& give_up, const store::Identity& self);
  /// It is in use as far as this knows, and the right disk is at `path`.
  [[nodiscard]] bool is_there(const std::string& path) const;
  /// Does nothing if it is given up already.
  void give_up(const std::string& path);
  /// The cluster may not know yet what was lost with a disk that was given up.
  [[nodiscard]] bool is_open() const { return open_; }
  /// It does now.
  void close() { open_ = false; }
  [[nodiscard]] const std::vector<KnownDisk>& disks() const { return disks_; }

 private:
  explicit DiskRegister(std::string root) : root_(std::move(root)) {}
  [[nodiscard]] std::string file() const { return root_ + "/disks.toml"; }
  Result<bool> use(const std::string& path, const store::Identity& self);

  std::string root_;
  std::vector<KnownDisk> disks_;
  bool open_ = false;
};

}  // namespace brigade::node
