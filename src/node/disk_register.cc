#include "disk_register.h"

#include "drawn_id.h"
#include "file_version.h"
#include "private_file.h"
#include "toml_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include <spdlog/spdlog.h>

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

/// What PATH/disk.toml says.
struct Mark {
  std::uint64_t id = 0;
  std::uint64_t node = 0;
};

std::string mark_file(const std::string& path) {
  return path + "/disk.toml";
}

/// None if there is no mark. Errors: kInvalid, kIo.
Result<std::optional<Mark>> read_mark(const std::string& path) {
  const auto table = read_toml(mark_file(path));
  if (!table && table.error().code() == Errc::kNotFound) return std::optional<Mark>{};
  if (!table) return table.error();
  const auto id = id_in(*table, "disk");
  const auto node = id_in(*table, "node");
  if (!id || !node) return Error(Errc::kInvalid, mark_file(path) + " does not say which disk of which node this is");
  return std::optional(Mark{*id, *node});
}

Status write_mark(const std::string& path, const Mark& mark) {
  return create_private_file(mark_file(path), "# One of several disks of a Brigade node.\n" + file_version_line() +
                                                  "disk = \"" + hex64(mark.id) + "\"\nnode = \"" + hex64(mark.node) +
                                                  "\"\n");
}

/// But for a mark, which alone makes no disk that was used.
Status check_empty(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return Error(Errc::kNotFound, path + " is no directory: make it, or mount the disk there");
  for (const auto& entry : fs::directory_iterator(path, error))
    if (entry.path().filename() != "lost+found" && entry.path().string() != mark_file(path))
      return Error(Errc::kConflict,
                   path + " is not empty: a new disk must be, `" + entry.path().filename().string() + "` is there");
  if (error) return Error(Errc::kIo, path + " can't be read: " + error.message());
  return {};
}

}  // namespace

Result<DiskRegister> DiskRegister::load(const DataDir& dir) {
  DiskRegister loaded(dir.root);
  const auto table = read_toml(loaded.file());
  if (!table && table.error().code() == Errc::kNotFound) return loaded;
  if (!table) return table.error();
  loaded.open_ = (*table)["open"].value_or(false);
  const auto* list = (*table)["disk"].as_array();
  if (list == nullptr) return loaded;
  for (const toml::node& item : *list) {
    const auto* one = item.as_table();
    const auto id = one == nullptr ? std::nullopt : id_in(*one, "id");
    const auto path = one == nullptr ? std::nullopt : (*one)["path"].value_exact<std::string>();
    if (!id || !path)
      return Error(Errc::kInvalid, loaded.file() + " line " + std::to_string(item.source().begin.line) +
                                       ": a disk needs an id and a path; bring the file back as it was");
    loaded.disks_.push_back({*id, *path, (*one)["given_up"].value_or(false)});
  }
  return loaded;
}

Status DiskRegister::check_marks(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (const auto mark = read_mark(path); !mark && mark.error().code() == Errc::kConflict) return mark.error();
  return {};
}

Status DiskRegister::save() const {
  std::ostringstream text;
  text << "# The further disks of this node, as it has used them. The node writes this.\n"
       << file_version_line()
       << "# open: the cluster may not know yet what was lost with a disk that was given up.\nopen = "
       << (open_ ? "true" : "false") << "\n";
  for (const KnownDisk& disk : disks_)
    text << "\n[[disk]]\nid = \"" << hex64(disk.id) << "\"\npath = " << toml::value<std::string>(disk.path)
         << "\ngiven_up = " << (disk.given_up ? "true" : "false") << "\n";
  return replace_private_file(file(), text.str());
}

bool DiskRegister::is_there(const std::string& path) const {
  const auto mark = read_mark(path);
  return mark && *mark && std::ranges::any_of(disks_, [&](const KnownDisk& d) {
           return d.path == path && !d.given_up && d.id == (*mark)->id;
         });
}

void DiskRegister::give_up(const std::string& path) {
  for (KnownDisk& disk : disks_)
    if (disk.path == path && !disk.given_up) disk.given_up = open_ = true;
}

/// False: it was given up, and is not to be used.
Result<bool> DiskRegister::use(const std::string& path, const store::Identity& self) {
  const auto mark = read_mark(path);
  if (!mark && mark.error().code() != Errc::kIo) return mark.error();
  auto known = std::ranges::find_if(disks_, [&](const KnownDisk& d) { return d.path == path && !d.given_up; });
  if (known != disks_.end()) {
    const std::string what_to_do =
        ". If it is lost, start once with `--give-up " + path + "`: what it held is then fetched from its siblings";
    if (!mark)
      return Error(Errc::kIo, "the disk " + path + " can't be read (" + mark.error().detail() + ")" + what_to_do);
    if (!*mark) return Error(Errc::kNotFound, "the disk " + path + " is not there: mount it" + what_to_do);
    if ((*mark)->id != known->id)
      return Error(Errc::kConflict, "another disk than before is at " + path + ": mount the right one" + what_to_do);
    return true;
  }
  const bool was_given_up = std::ranges::any_of(
      disks_, [&](const KnownDisk& d) { return d.path == path || (mark && *mark && d.id == (*mark)->id); });
  std::error_code ignored;
  const bool is_back = was_given_up && mark && *mark;
  if (is_back || (was_given_up && !fs::is_directory(path, ignored))) {
    spdlog::warn("disk path={} was given up and is not used: put a new one there, or empty it", path);
    return false;
  }
  if (!mark) return mark.error();
  if (*mark && (*mark)->node != self.node.value)
    return Error(Errc::kConflict,
                 path + " is a disk of the node " + hex64((*mark)->node) + ": empty it to use it here");
  if (Status ok = check_empty(path); !ok) return ok.error();
  // The mark first: without it a disk that the register knows would be taken for one that is not there.
  const std::uint64_t id = *mark ? (*mark)->id : draw_id();
  if (!*mark)
    if (Status ok = write_mark(path, {id, self.node.value}); !ok) return ok.error();
  std::erase_if(disks_, [&](const KnownDisk& d) { return d.path == path; });
  disks_.push_back({id, path, false});
  if (Status ok = save(); !ok) return ok.error();
  spdlog::info("disk path={} is new", path);
  return true;
}

Result<std::vector<std::string>> DiskRegister::settle(const std::vector<std::string>& paths,
                                                      const std::vector<std::string>& give_up,
                                                      const store::Identity& self) {
  for (const std::string& path : give_up) {
    if (std::ranges::none_of(disks_, [&](const KnownDisk& d) { return d.path == path; }))
      return Error(Errc::kNotFound, path + " is no disk of this node: those are in " + file());
    this->give_up(path);
  }
  if (!give_up.empty())
    if (Status ok = save(); !ok) return ok.error();
  for (const KnownDisk& disk : disks_)
    if (!disk.given_up && std::ranges::find(paths, disk.path) == paths.end())
      return Error(Errc::kConflict, "the disk " + disk.path +
                                        " holds objects of this node: name it under `disks` in brigade.toml, or start "
                                        "once with `--give-up " +
                                        disk.path + "`");
  std::vector<std::string> usable;
  for (const std::string& path : paths) {
    if (std::ranges::find(give_up, path) != give_up.end()) continue;
    const Result<bool> used = use(path, self);
    if (!used) return used.error();
    if (*used) usable.push_back(path);
  }
  return usable;
}

}  // namespace brigade::node
