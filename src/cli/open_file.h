// A file descriptor with an owner.
#pragma once

#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

namespace brigade::cli {

class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  /// `flags` as open(2) takes them; is_open() and errno say whether it worked.
  OpenFile(const std::string& path, int flags, mode_t mode = 0644)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  OpenFile(OpenFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OpenFile() { close(); }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }
  /// False if closing failed; errno says why.
  bool close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_ = -1;
};

}  // namespace brigade::cli
