#include "file_set.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

namespace brigade::cli {
namespace {

namespace fs = std::filesystem;

void add_file(const fs::path& path, const std::string& key, FileSet& out) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return out.unusable.push_back({path.string(), "is not there"});
  if (error) return out.unusable.push_back({path.string(), error.message()});
  if (status.type() != fs::file_type::regular) return out.unusable.push_back({path.string(), "is no plain file"});
  const auto size = fs::file_size(path, error);
  if (error) return out.unusable.push_back({path.string(), error.message()});
  out.files.push_back({path.string(), key, size});
}

void add_folder(const fs::path& folder, const std::string& key, FileSet& out) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(folder, error); !error && it != fs::directory_iterator{}; it.increment(error))
    entries.push_back(*it);
  if (error) return out.unusable.push_back({folder.string(), error.message()});
  std::ranges::sort(entries, {}, [](const fs::directory_entry& entry) { return entry.path().filename().string(); });
  for (const auto& entry : entries) {
    const auto name = key.empty() ? entry.path().filename().string() : key + "/" + entry.path().filename().string();
    // A link to a folder is not followed: it may lead back up.
    if (entry.is_directory(error) && !entry.is_symlink(error))
      add_folder(entry.path(), name, out);
    else
      add_file(entry.path(), name, out);
  }
}

/// "photos" for "a/photos", "photos" for "photos/", "" for "." and "..".
std::string last_name(const fs::path& path) {
  auto normal = path.lexically_normal();
  if (!normal.has_filename()) normal = normal.parent_path();
  const auto name = normal.filename().string();
  return name == "." || name == ".." || name == "/" ? "" : name;
}

}  // namespace

Result<FileSet> find_files(const std::vector<std::string>& paths, const std::string& key, const std::string& prefix) {
  FileSet found;
  for (const auto& text : paths) {
    const fs::path path(text);
    std::error_code error;
    if (fs::is_directory(path, error))
      add_folder(path, last_name(path), found);
    else
      add_file(path, last_name(path), found);
  }
  if (!key.empty()) {
    std::error_code error;
    if (paths.size() != 1 || fs::is_directory(paths.front(), error))
      return Error{Errc::kInvalid, "--key names one object, so it goes with one file; --prefix is for several"};
    for (auto& file : found.files) file.key = key;
  }
  std::map<std::string, std::string> path_of;
  for (auto& file : found.files) {
    file.key = prefix + file.key;
    const auto [other, is_new] = path_of.emplace(file.key, file.path);
    if (!is_new)
      return Error{Errc::kInvalid, other->second + " and " + file.path + " would both become the object " + file.key +
                                       ": put them one by one, with --key or --prefix"};
  }
  return found;
}

}  // namespace brigade::cli
