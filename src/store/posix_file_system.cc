#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "brigade/store/file_system.h"

namespace brigade::store {
namespace {

Errc code_of(int error) {
  switch (error) {
    case ENOENT:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kConflict;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Errc::kNoSpace;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Errc::kOverloaded;
    default:
      return Errc::kIo;
  }
}

std::string_view advice(Errc code) {
  switch (code) {
    case Errc::kNoSpace:
      return "; free some space";
    case Errc::kOverloaded:
      return "; raise the limit on open files or memory, or try again";
    case Errc::kIo:
      return "; check the disk, its file system and the permissions";
    default:
      return "";
  }
}

Error failure(std::string_view what, const std::string& path, int error) {
  const Errc code = code_of(error);
  return {code, "cannot " + std::string(what) + " " + path + ": " + std::generic_category().message(error) +
                    std::string(advice(code))};
}

/// Calls `f` again for as long as signals interrupt it.
template <class F>
auto uninterrupted(F&& f) {
  for (;;) {
    const auto result = f();
    if (result != -1 || errno != EINTR) return result;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

constexpr std::size_t kPiecesMax = 512;  // at once; the kernel takes 1024

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Status sync() override {
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) != 0) return failure("sync", path_, errno);
    return {};
  }
  Status truncate(std::uint64_t bytes) override {
    if (uninterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(bytes)); }) != 0)
      return failure("truncate", path_, errno);
    return {};
  }
  Result<std::size_t> read_cached(std::uint64_t offset, std::span<std::byte> buffer) override {
    const iovec whole{buffer.data(), buffer.size()};
    const ssize_t n =
        uninterrupted([&] { return ::preadv2(fd_.get(), &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT); });
    if (n != static_cast<ssize_t>(buffer.size())) return Error(Errc::kUnavailable);
    return buffer.size();
  }
  [[nodiscard]] Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return failure("look at", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  Result<std::size_t> write_some(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) override {
    std::array<iovec, kPiecesMax> vectors;
    const std::size_t count = std::min(pieces.size(), kPiecesMax);
    for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
    const ssize_t n = uninterrupted(
        [&] { return ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(offset)); });
    if (n < 0) return failure("write", path_, errno);
    return static_cast<std::size_t>(n);
  }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) override {
    const ssize_t n =
        uninterrupted([&] { return ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset)); });
    if (n < 0) return failure("read", path_, errno);
    return static_cast<std::size_t>(n);
  }

  Descriptor fd_;
  std::string path_;
};

}  // namespace

Status File::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  return write_all(offset, std::span(&bytes, 1));
}

Status File::write_all(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) {
  std::vector<std::span<const std::byte>> left;
  left.reserve(pieces.size());
  for (const auto& piece : pieces)
    if (!piece.empty()) left.push_back(piece);
  std::span<std::span<const std::byte>> todo(left);
  while (!todo.empty()) {
    const Result<std::size_t> n = write_some(offset, todo);
    if (!n) return n.error();
    if (*n == 0) return Error(Errc::kIo, "a write to a file took no byte and gave no error; check the file system");
    offset += *n;
    std::size_t written = *n;
    while (!todo.empty() && written >= todo.front().size()) {
      written -= todo.front().size();
      todo = todo.subspan(1);
    }
    if (!todo.empty()) todo.front() = todo.front().subspan(written);
  }
  return {};
}

Result<std::size_t> File::read(std::uint64_t offset, std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const Result<std::size_t> n = read_some(offset + filled, buffer.subspan(filled));
    if (!n) return n.error();
    if (*n == 0) break;
    filled += *n;
  }
  return filled;
}

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC;
  if (mode == OpenMode::kRead) flags |= O_RDONLY;
  if (mode == OpenMode::kWrite) flags |= O_RDWR;
  if (mode == OpenMode::kCreate) flags |= O_RDWR | O_CREAT | O_EXCL;
  Descriptor fd(uninterrupted([&] { return ::open(path.c_str(), flags, 0640); }));
  if (fd.get() < 0) return failure(mode == OpenMode::kCreate ? "create" : "open", path, errno);
  return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
}

Status PosixFileSystem::make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0) return {};
  const int error = errno;
  if (error == EEXIST) {
    const Result<FileInfo> there = info(path);
    if (there && there->is_directory) return {};
  }
  return failure("make directory", path, error);
}

Status PosixFileSystem::sync_directory(const std::string& path) {
  const Descriptor fd(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (fd.get() < 0) return failure("open directory", path, errno);
  if (uninterrupted([&] { return ::fsync(fd.get()); }) != 0) return failure("sync directory", path, errno);
  return {};
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return failure("rename " + from + " to", to, errno);
  return {};
}

Status PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failure("remove", path, errno);
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  const auto close = [](DIR* dir) { ::closedir(dir); };
  const std::unique_ptr<DIR, decltype(close)> dir(::opendir(path.c_str()), close);
  if (!dir) return failure("list directory", path, errno);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return failure("list directory", path, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Result<FileInfo> PosixFileSystem::info(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return failure("look at", path, errno);
  return FileInfo{S_ISDIR(status.st_mode), static_cast<std::uint64_t>(status.st_size)};
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs status {};
  if (uninterrupted([&] { return ::statvfs(path.c_str(), &status); }) != 0)
    return failure("ask for the free space of", path, errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace brigade::store
