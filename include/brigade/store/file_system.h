// All that touches files, behind one port.  Source: design §6; testing "Disk, clock, process".
// Concept: the few calls that durability is made of, with their failures as Errors. A real implementation here, one in
//          memory that forgets what was not synced in memory_file_system.h. Paths are plain strings with '/'.
//          Nothing is durable until said so: bytes and length by File::sync, names by sync_directory of the directory
//          that holds them.
// Thread:  FileSystem: any thread. File: reads from any thread, the rest from one owner at a time.
// Errors:  kNotFound (no such file), kConflict (already there), kNoSpace (disk or quota full: nothing is wrong with the
//          disk), kOverloaded (out of descriptors or memory: try again), kIo (all else). After an error from a sync,
//          what was not synced before is in doubt for ever: a second sync that succeeds means nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brigade/base/result.h"

namespace brigade::store {

enum class OpenMode : std::uint8_t {
  kRead,    ///< must exist
  kWrite,   ///< must exist; read and write
  kCreate,  ///< must not exist; read and write
};

/// An open file. Its bytes stay readable after the name is gone. Closed when dropped.
class File {
 public:
  virtual ~File() = default;
  /// Writes all of `bytes` at `offset`; interrupted and short writes are continued.
  Status write(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Writes the pieces one after the other at `offset`, with as few calls as the system allows.
  Status write_all(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces);
  /// Fills `buffer` from `offset`; fewer bytes only where the file ends.
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer);
  /// As read, if all of it is in memory: never waits for the disk. Errors: kUnavailable: it is not, or nobody knows.
  virtual Result<std::size_t> read_cached(std::uint64_t offset, std::span<std::byte> buffer) {
    static_cast<void>(offset);
    static_cast<void>(buffer);
    return Error(Errc::kUnavailable);
  }
  /// Bytes and length are on disk when this returns (fdatasync).
  virtual Status sync() = 0;
  virtual Status truncate(std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;

 private:
  /// One system call: at least one byte unless it fails. Reads: 0 at the end.
  virtual Result<std::size_t> write_some(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) = 0;
  virtual Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) = 0;
};

struct FileInfo {
  bool is_directory = false;
  std::uint64_t bytes = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Success if it is there already.
  virtual Status make_directory(const std::string& path) = 0;
  /// Names that were added to or taken from `path` are on disk when this returns.
  virtual Status sync_directory(const std::string& path) = 0;
  /// Atomic; replaces `to`. Durable once both directories are synced.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  /// Takes away a file's name.
  virtual Status remove(const std::string& path) = 0;
  /// Names in a directory, rising, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual Result<FileInfo> info(const std::string& path) = 0;
  /// What an ordinary user may still write on the file system that holds `path`.
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

/// The kernel's. One for the process is enough; it has no state.
class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status make_directory(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
};

}  // namespace brigade::store
