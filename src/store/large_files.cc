#include "large_files.h"

#include "object_file.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <optional>

namespace brigade::store {
namespace {

struct Name {
  ObjectId id;
  std::uint64_t file = 0;
};

std::string hex16(std::uint64_t value) {
  char text[24];
  const int n = std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return {text, static_cast<std::size_t>(n)};
}

std::string name_of(const ObjectId& id, std::uint64_t file) {
  return to_string(id) + "." + hex16(file);
}

std::optional<Name> parse_name(const std::string& text) {
  if (text.size() != 49 || text[32] != '.') return std::nullopt;
  std::array<std::uint64_t, 3> parts{};
  const std::array<std::size_t, 3> begins{0, 16, 33};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* begin = text.data() + begins[i];
    const auto [end, error] = std::from_chars(begin, begin + 16, parts[i], 16);
    if (error != std::errc() || end != begin + 16) return std::nullopt;
  }
  const Name name{{parts[0], parts[1]}, parts[2]};
  if (name_of(name.id, name.file) != text) return std::nullopt;
  return name;
}

}  // namespace

std::string LargeFiles::path_of(const ObjectId& id, std::uint64_t file) const {
  return dir_ + "/" + directory_name(directory_of(id)) + "/" + name_of(id, file);
}

Status LargeFiles::make_directory(std::size_t number) {
  Directory& directory = directories_[number];
  const std::lock_guard lock(directory.mutex);
  if (directory.made) return {};
  if (Status ok = file_system_.make_directory(dir_ + "/" + directory_name(number)); !ok) return ok;
  if (Status ok = file_system_.sync_directory(dir_); !ok) return Error(Errc::kIo, ok.error().detail());
  directory.made = true;
  return {};
}

Result<std::uint64_t> LargeFiles::publish(StagedFile& body, const ObjectMeta& meta) {
  const std::size_t number = directory_of(meta.id);
  if (Status ok = make_directory(number); !ok) return ok.error();
  const std::uint64_t file = next_++;
  if (Status ok = body.publish(meta, path_of(meta.id, file)); !ok) return ok.error();
  const Status synced =
      directories_[number].sync.run([&] { return file_system_.sync_directory(dir_ + "/" + directory_name(number)); });
  // Whatever the reason, names that were to become durable are in doubt: no later sync makes up for it.
  if (!synced) return Error(Errc::kIo, synced.error().detail());
  return file;
}

void LargeFiles::doom(const ObjectId& id, std::uint64_t file) {
  const std::lock_guard lock(mutex_);
  doomed_.emplace_back(id, file);
}

Result<std::size_t> LargeFiles::sweep(std::size_t most) {
  std::vector<std::pair<ObjectId, std::uint64_t>> now;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t n = std::min(most, doomed_.size());
    now.assign(doomed_.end() - static_cast<std::ptrdiff_t>(n), doomed_.end());
    doomed_.resize(doomed_.size() - n);
  }
  for (const auto& [id, file] : now) {
    const Status removed = file_system_.remove(path_of(id, file));
    // A file that stays is the next start's to remove.
    if (!removed && removed.error().code() != Errc::kNotFound) return removed.error();
  }
  return now.size();
}

Status LargeFiles::clean(
    std::uint64_t next,
    const std::function<Result<bool>(const ObjectId&, std::uint64_t file, bool has_twin)>& is_needed) {
  next_ = std::max<std::uint64_t>(next, 1);
  const Result<std::vector<std::string>> names = file_system_.list(dir_);
  if (!names) return names.error();
  for (std::size_t number = 0; number < kDirectories; ++number) {
    const std::string path = dir_ + "/" + directory_name(number);
    if (!std::binary_search(names->begin(), names->end(), directory_name(number))) continue;
    directories_[number].made = true;
    const Result<std::vector<std::string>> files = file_system_.list(path);
    if (!files) return files.error();
    // What is seen now may be in the kernel's memory only, if a process and not the machine went down.
    if (Status ok = file_system_.sync_directory(path); !ok) return ok;
    for (std::size_t i = 0; i < files->size(); ++i) {
      const std::optional<Name> name = parse_name((*files)[i]);
      if (!name || directory_of(name->id) != number) continue;  // not ours
      next_ = std::max<std::uint64_t>(next_, name->file + 1);
      const std::string prefix = to_string(name->id) + ".";
      const bool has_twin = (i > 0 && (*files)[i - 1].starts_with(prefix)) ||
                            (i + 1 < files->size() && (*files)[i + 1].starts_with(prefix));
      const Result<bool> needed = is_needed(name->id, name->file, has_twin);
      if (!needed) return needed.error();
      if (*needed) continue;
      if (Status ok = file_system_.remove(path + "/" + (*files)[i]); !ok) return ok;
    }
  }
  return {};
}

}  // namespace brigade::store
