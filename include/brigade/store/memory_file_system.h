// A disk in memory that can lose power and fail.  Source: testing "Disk"; leveldb db/fault_injection_test.cc for the
// idea. Concept: what was not synced is volatile: bytes until File::sync, names until sync_directory. A crash keeps any
// subset
//          of the volatile changes and may tear a write, which is weaker than any real file system, on purpose. A sync
//          that failed has lost its changes for good, as Linux does: a later sync that succeeds doesn't bring them
//          back. Every call has a number, so that a test can let each one fail in turn.
// Thread:  any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/store/file_system.h"

namespace brigade::store {

enum class Fault : std::uint8_t {
  kNoSpace,     ///< kNoSpace from a call that may need space; other calls pass
  kIo,          ///< kIo
  kShortWrite,  ///< a write takes only a part (no error); other calls pass
  kPowerOff,    ///< this call and all later ones have no effect and fail, until crash()
};

/// What becomes of one volatile change in a crash.
enum class Kept : std::uint8_t {
  kLost,
  kWhole,
  kTorn,      ///< of a write the first half; a name can't be torn
  kTornHead,  ///< of a write the second half: a disk need not keep the order of pages
};

class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  /// Calls so far; the first has number 0. Syncs, reads and opens count, closing doesn't.
  [[nodiscard]] std::uint64_t calls() const;
  /// The call with number `call` fails so. One fault at a time; a new one replaces it.
  void fail_at(std::uint64_t call, Fault fault);
  /// Every call from now on fails so, until heal().
  void fail_from_now(Fault fault);
  void heal();
  /// What free_bytes says. Writes don't use it up.
  void set_free_bytes(std::uint64_t bytes);

  /// Volatile changes, oldest first, that a crash would decide on.
  [[nodiscard]] std::size_t volatile_changes() const;
  /// Power is lost and comes back: of the volatile changes those stay that `keep` says, by index. Open files are dead.
  void crash(const std::function<Kept(std::size_t)>& keep);
  /// Any subset; one in four of the writes that stay is torn.
  void crash(Prng& prng);

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status make_directory(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  struct State;
  class OpenFile;
  std::shared_ptr<State> state_;  ///< open files may outlive this
};

}  // namespace brigade::store
