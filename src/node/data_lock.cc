#include "brigade/node/data_lock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace brigade::node {
namespace {

constexpr std::size_t kWhoBytesMax = 200;

Error failed(const std::string& path, const char* what) {
  return {errno == ENOENT ? Errc::kNotFound : Errc::kIo, path + " can't be " + what + ": " + std::strerror(errno)};
}

/// What the one who locked it has left there. It is for people: it may be half written.
std::string who_has(int fd) {
  std::array<char, kWhoBytesMax> text{};
  const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
  std::string who(text.data(), n < 0 ? 0 : static_cast<std::size_t>(n));
  while (!who.empty() && who.back() == '\n') who.pop_back();
  return who.empty() ? "another process uses it" : who;
}

}  // namespace

DataLock::~DataLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<DataLock> DataLock::take(const DataDir& dir, Sharing sharing, const std::string& who) {
  const std::string path = dir.root + "/lock";
  DataLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  // On a disk that can be read only nobody serves; looking needs no more than this.
  if (lock.fd_ < 0 && errno == EROFS && sharing == Sharing::kWithReaders)
    lock.fd_ = ::open(dir.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock.fd_ < 0 && errno == ENOENT)
    return Error(Errc::kNotFound,
                 "there is no directory " + dir.root + ": name a node's data directory, or one of its disks");
  if (lock.fd_ < 0) return failed(path, "opened");
  if (::flock(lock.fd_, (sharing == Sharing::kAlone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failed(path, "locked");
    return Error(Errc::kConflict, dir.root + " is in use: " + who_has(lock.fd_) + "; stop that first");
  }
  const std::string text = who + " (process " + std::to_string(::getpid()) + ")\n";
  // Only a courtesy to who is refused; the lock itself is the kernel's.
  if (::ftruncate(lock.fd_, 0) == 0) static_cast<void>(::pwrite(lock.fd_, text.data(), text.size(), 0) < 0);
  return lock;
}

}  // namespace brigade::node
