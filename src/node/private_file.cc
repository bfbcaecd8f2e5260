#include "private_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace brigade::node {
namespace {

Error failed(const std::string& path, const char* what) {
  const int reason = errno;
  return {reason == ENOSPC || reason == EDQUOT ? Errc::kNoSpace : Errc::kIo,
          path + " can't be " + what + ": " + std::strerror(reason)};
}

/// Writes, syncs and closes `fd`, whatever happens.
Status fill(int fd, const std::string& path, std::string_view text) {
  Status done;
  while (done && !text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      done = failed(path, "written");
  }
  if (done && ::fsync(fd) != 0) done = failed(path, "synced");
  if (::close(fd) != 0 && done) done = failed(path, "closed");
  return done;
}

std::string directory_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(path, "opened");
  const int result = ::fsync(fd);
  const Status done = result == 0 ? Status{} : Status{failed(path, "synced")};
  ::close(fd);
  return done;
}

Status create_private_file(const std::string& path, std::string_view text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return Error{Errc::kConflict, path + " is there already and is never overwritten"};
  if (fd < 0) return failed(path, "made");
  if (auto done = fill(fd, path, text); !done) {
    ::unlink(path.c_str());
    return done;
  }
  return sync_directory(directory_of(path));
}

Status replace_private_file(const std::string& path, std::string_view text) {
  const auto draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed(draft, "made");
  if (auto done = fill(fd, draft, text); !done) {
    ::unlink(draft.c_str());
    return done;
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) return failed(path, "replaced");
  return sync_directory(directory_of(path));
}

}  // namespace brigade::node
