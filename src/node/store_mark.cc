#include "store_mark.h"

#include "drawn_id.h"
#include "file_version.h"
#include "private_file.h"
#include "toml_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>

#include <spdlog/spdlog.h>

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

std::string outer_mark(const std::string& path) {
  return path + "/store.toml";
}
std::string inner_mark(const std::string& path) {
  return path + "/objects/store.toml";
}

/// None if there is no mark.
Result<std::optional<std::uint64_t>> read_mark(const std::string& file) {
  const auto table = read_toml(file);
  if (!table && table.error().code() == Errc::kNotFound) return std::optional<std::uint64_t>{};
  if (!table) return table.error();
  const auto id = id_in(*table, "store");
  if (!id) return Error(Errc::kInvalid, file + " does not say which store this is: bring the file back as it was");
  return id;
}

/// Whole or not at all: half a mark would keep the node from starting after a crash.
Status write_mark(const std::string& file, const std::string& what, std::uint64_t id) {
  return replace_private_file(file, "# " + what + " Brigade knows it again by this.\n" + file_version_line() +
                                        "store = \"" + hex64(id) + "\"\n");
}

Status mark(const std::string& path, const std::optional<std::uint64_t>& inner) {
  const std::string folder = path + "/objects";
  const std::uint64_t id = inner ? *inner : draw_id();
  if (!inner) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return Error(Errc::kIo, folder + " can't be made: " + error.message());
    if (Status ok = sync_directory(path); !ok) return ok;
    // The one inside first: without it, a store that is known would be taken for one that is not there.
    if (Status ok = write_mark(inner_mark(path), "The objects of a Brigade node.", id); !ok) return ok;
  }
  return write_mark(outer_mark(path), "The objects of this node are in the folder objects.", id);
}

}  // namespace

Status check_store_mark_versions(const std::string& path) {
  for (const std::string& file : {outer_mark(path), inner_mark(path)})
    if (const auto mark = read_mark(file); !mark && mark.error().code() == Errc::kConflict) return mark.error();
  return {};
}

Status settle_store_mark(const std::string& path) {
  const auto outer = read_mark(outer_mark(path)), inner = read_mark(inner_mark(path));
  if (!outer) return outer.error();
  if (!inner) return inner.error();
  const std::string folder = path + "/objects";
  if (*outer && !*inner)
    return Error(Errc::kNotFound, "the objects that were in " + folder +
                                      " are not there: mount the disk, or bring the folder "
                                      "back as it was");
  if (*outer && **outer != **inner)
    return Error(Errc::kConflict, folder +
                                      " is not the folder that was there before: mount the right disk, or bring the "
                                      "folder back as it was");
  if (*outer) return {};
  const Status marked = mark(path, *inner);
  if (marked || marked.error().code() != Errc::kNoSpace) return marked;
  // A store of a release without marks on a full disk serves reads as before, and is marked by a later start.
  spdlog::warn("the store in {} is not marked yet: {}", folder, marked.error().detail());
  return {};
}

}  // namespace brigade::node
