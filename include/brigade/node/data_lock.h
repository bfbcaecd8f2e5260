// Who uses a data directory.  Source: design §6: the offline tools are for a node that is stopped.
// Concept: a lock of the kernel (flock) on DIR/lock, which goes with the process that holds it, however that ends. A
//          node and whoever changes its files hold it alone; those that only look may be several.
// Thread:  values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "brigade/base/result.h"
#include "brigade/node/config.h"

namespace brigade::node {

enum class Sharing : std::uint8_t { kAlone, kWithReaders };

class DataLock {
 public:
  DataLock() = default;
  DataLock(DataLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  DataLock& operator=(DataLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~DataLock();

  /// Takes the lock, or says who has it; never waits. `who` is told to those who are refused: "a node serves from it".
  /// Errors: kConflict; kNotFound (no such directory); kIo.
  static Result<DataLock> take(const DataDir& dir, Sharing sharing, const std::string& who);

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace brigade::node
