#include "brigade/store/memory_file_system.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace brigade::store {
namespace {

struct Node;
using NodePtr = std::shared_ptr<Node>;
using Names = std::map<std::string, NodePtr>;

/// A file or a directory, as programs see it and as it is on disk.
struct Node {
  bool is_directory = false;
  std::vector<std::byte> bytes, durable_bytes;
  Names names, durable_names;
};

/// One volatile change of `node`. Writes and truncations are of bytes, the others of names.
struct Change {
  enum class Kind : std::uint8_t { kWrite, kTruncate, kLink, kUnlink, kMove };
  Kind kind;
  NodePtr node;
  std::uint64_t offset = 0;      // write: where; truncate: the length
  std::vector<std::byte> bytes;  // write
  std::string name, from;        // move: `from` becomes `name`, in one step
  NodePtr target;                // link, move
};

void write_into(std::vector<std::byte>& bytes, std::uint64_t offset, std::span<const std::byte> what) {
  if (bytes.size() < offset + what.size()) bytes.resize(offset + what.size());
  std::copy(what.begin(), what.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// Brings `change` into the state on disk.
void make_durable(const Change& change, Kept kept) {
  Node& node = *change.node;
  switch (change.kind) {
    case Change::Kind::kWrite: {
      const std::span<const std::byte> all(change.bytes);
      const std::size_t half = all.size() / 2;
      if (kept == Kept::kWhole) write_into(node.durable_bytes, change.offset, all);
      if (kept == Kept::kTorn) write_into(node.durable_bytes, change.offset, all.first(half));
      if (kept == Kept::kTornHead) write_into(node.durable_bytes, change.offset + half, all.subspan(half));
      break;
    }
    case Change::Kind::kTruncate:
      node.durable_bytes.resize(change.offset);
      break;
    case Change::Kind::kLink:
      node.durable_names[change.name] = change.target;
      break;
    case Change::Kind::kUnlink:
      node.durable_names.erase(change.name);
      break;
    case Change::Kind::kMove:
      node.durable_names.erase(change.from);
      node.durable_names[change.name] = change.target;
      break;
  }
}

void forget_volatile(Node& node) {
  node.bytes = node.durable_bytes;
  node.names = node.durable_names;
  for (const auto& [name, child] : node.names) forget_volatile(*child);
}

struct Place {
  NodePtr directory;
  std::string name;
};

Error not_found(const std::string& path) {
  return {Errc::kNotFound, "cannot find " + path};
}

}  // namespace

struct MemoryFileSystem::State {
  mutable std::mutex mutex;
  NodePtr root = std::make_shared<Node>(Node{.is_directory = true});
  std::vector<Change> changes;  // volatile, oldest first
  std::uint64_t calls = 0;
  std::uint64_t crashes = 0;  // files opened before the last one are dead
  std::optional<std::pair<std::uint64_t, Fault>> fault;
  bool lasting = false;
  std::uint64_t free_bytes = std::uint64_t{1} << 40;

  /// Counts the call; the fault that strikes it, if one does.
  std::optional<Fault> next_call() {
    const std::uint64_t call = calls++;
    if (!fault || call < fault->first) return std::nullopt;
    if (call > fault->first && !lasting && fault->second != Fault::kPowerOff) return std::nullopt;
    return fault->second;
  }

  /// For a call on `path`. Success where the fault does not concern it.
  static Status struck(std::optional<Fault> by, bool needs_space, const std::string& path) {
    if (by == Fault::kIo || by == Fault::kPowerOff) return Error(Errc::kIo, "injected I/O error at " + path);
    if (by == Fault::kNoSpace && needs_space) return Error(Errc::kNoSpace, "injected full disk at " + path);
    return {};
  }

  [[nodiscard]] NodePtr find(std::string_view path) const {
    NodePtr node = root;
    while (!path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      const std::string name(path.substr(0, slash));
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (name.empty()) continue;
      const auto found = node->names.find(name);
      if (found == node->names.end()) return nullptr;
      node = found->second;
    }
    return node;
  }

  [[nodiscard]] std::optional<Place> place(const std::string& path) const {
    const std::size_t slash = path.rfind('/');
    NodePtr directory = slash == std::string::npos ? root : find(std::string_view(path).substr(0, slash));
    if (!directory || !directory->is_directory) return std::nullopt;
    return Place{std::move(directory), path.substr(slash == std::string::npos ? 0 : slash + 1)};
  }

  void link(const Place& at, NodePtr target) {
    at.directory->names[at.name] = target;
    changes.push_back(
        {.kind = Change::Kind::kLink, .node = at.directory, .name = at.name, .target = std::move(target)});
  }
  void unlink(const Place& at) {
    at.directory->names.erase(at.name);
    changes.push_back({.kind = Change::Kind::kUnlink, .node = at.directory, .name = at.name});
  }

  /// The changes of `node` reach the disk, or are lost for good.
  void settle(const NodePtr& node, bool reach_disk) {
    std::erase_if(changes, [&](const Change& change) {
      if (change.node != node) return false;
      if (reach_disk) make_durable(change, Kept::kWhole);
      return true;
    });
  }

  Status sync(const NodePtr& node, const std::string& path) {
    const std::optional<Fault> by = next_call();
    const Status status = struck(by, true, path);
    if (by != Fault::kPowerOff) settle(node, status.has_value());
    return status;
  }
};

class MemoryFileSystem::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<State> state, NodePtr node, std::string path, bool writable)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        writable_(writable),
        crashes_(state_->crashes) {}

  Status sync() override {
    const std::lock_guard lock(state_->mutex);
    if (Status alive = check_alive(true); !alive) return alive;
    return state_->sync(node_, path_);
  }
  Status truncate(std::uint64_t bytes) override {
    const std::lock_guard lock(state_->mutex);
    if (Status alive = check_alive(true); !alive) return alive;
    if (Status ok = State::struck(state_->next_call(), true, path_); !ok) return ok;
    node_->bytes.resize(bytes);
    state_->changes.push_back({.kind = Change::Kind::kTruncate, .node = node_, .offset = bytes});
    return {};
  }
  [[nodiscard]] Result<std::uint64_t> size() const override {
    const std::lock_guard lock(state_->mutex);
    if (Status alive = check_alive(false); !alive) return alive.error();
    if (Status ok = State::struck(state_->next_call(), false, path_); !ok) return ok.error();
    return std::uint64_t{node_->bytes.size()};
  }

 private:
  Result<std::size_t> write_some(std::uint64_t offset, std::span<const std::span<const std::byte>> pieces) override {
    std::vector<std::byte> bytes;
    for (const auto& piece : pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
    const std::lock_guard lock(state_->mutex);
    if (Status alive = check_alive(true); !alive) return alive.error();
    const std::optional<Fault> by = state_->next_call();
    if (Status ok = State::struck(by, true, path_); !ok) return ok.error();
    if (by == Fault::kShortWrite) bytes.resize((bytes.size() + 1) / 2);
    const std::size_t taken = bytes.size();
    write_into(node_->bytes, offset, bytes);
    state_->changes.push_back(
        {.kind = Change::Kind::kWrite, .node = node_, .offset = offset, .bytes = std::move(bytes)});
    return taken;
  }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) override {
    const std::lock_guard lock(state_->mutex);
    if (Status alive = check_alive(false); !alive) return alive.error();
    if (Status ok = State::struck(state_->next_call(), false, path_); !ok) return ok.error();
    if (offset >= node_->bytes.size()) return std::size_t{0};
    const std::size_t n = std::min(buffer.size(), static_cast<std::size_t>(node_->bytes.size() - offset));
    std::copy_n(node_->bytes.begin() + static_cast<std::ptrdiff_t>(offset), n, buffer.begin());
    return n;
  }

  [[nodiscard]] Status check_alive(bool to_write) const {
    if (crashes_ != state_->crashes) return Error(Errc::kIo, path_ + " was opened before the power went");
    if (to_write && !writable_) return Error(Errc::kIo, path_ + " is open for reading only");
    return {};
  }

  std::shared_ptr<State> state_;
  NodePtr node_;
  std::string path_;
  bool writable_;
  std::uint64_t crashes_;
};

MemoryFileSystem::MemoryFileSystem() : state_(std::make_shared<State>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

std::uint64_t MemoryFileSystem::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}

void MemoryFileSystem::fail_at(std::uint64_t call, Fault fault) {
  const std::lock_guard lock(state_->mutex);
  state_->fault = {call, fault};
  state_->lasting = false;
}

void MemoryFileSystem::fail_from_now(Fault fault) {
  const std::lock_guard lock(state_->mutex);
  state_->fault = {state_->calls, fault};
  state_->lasting = true;
}

void MemoryFileSystem::heal() {
  const std::lock_guard lock(state_->mutex);
  state_->fault.reset();
}

void MemoryFileSystem::set_free_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->free_bytes = bytes;
}

std::size_t MemoryFileSystem::volatile_changes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->changes.size();
}

void MemoryFileSystem::crash(const std::function<Kept(std::size_t)>& keep) {
  const std::lock_guard lock(state_->mutex);
  for (std::size_t i = 0; i < state_->changes.size(); ++i) {
    const Kept kept = keep(i);
    if (kept != Kept::kLost) make_durable(state_->changes[i], kept);
  }
  state_->changes.clear();
  forget_volatile(*state_->root);
  state_->fault.reset();
  ++state_->crashes;
}

void MemoryFileSystem::crash(Prng& prng) {
  crash([&](std::size_t) {
    if (prng.chance(1, 2)) return Kept::kLost;
    if (!prng.chance(1, 4)) return Kept::kWhole;
    return prng.chance(1, 2) ? Kept::kTorn : Kept::kTornHead;
  });
}

Result<std::unique_ptr<File>> MemoryFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(state_->mutex);
  const bool creates = mode == OpenMode::kCreate;
  if (Status ok = State::struck(state_->next_call(), creates, path); !ok) return ok.error();
  NodePtr node = state_->find(path);
  if (creates) {
    if (node) return Error(Errc::kConflict, path + " exists already");
    const std::optional<Place> at = state_->place(path);
    if (!at) return not_found(path);
    node = std::make_shared<Node>();
    state_->link(*at, node);
  }
  if (!node) return not_found(path);
  if (node->is_directory) return Error(Errc::kIo, path + " is a directory");
  return std::unique_ptr<File>(std::make_unique<OpenFile>(state_, std::move(node), path, mode != OpenMode::kRead));
}

Status MemoryFileSystem::make_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), true, path); !ok) return ok;
  if (const NodePtr there = state_->find(path)) {
    if (there->is_directory) return {};
    return Error(Errc::kConflict, path + " is a file");
  }
  const std::optional<Place> at = state_->place(path);
  if (!at) return not_found(path);
  state_->link(*at, std::make_shared<Node>(Node{.is_directory = true}));
  return {};
}

Status MemoryFileSystem::sync_directory(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  const NodePtr node = state_->find(path);
  if (!node) return not_found(path);
  return state_->sync(node, path);
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), true, to); !ok) return ok;
  const NodePtr node = state_->find(from);
  const std::optional<Place> source = state_->place(from);
  const std::optional<Place> target = state_->place(to);
  if (!node || !source || !target) return not_found(node ? to : from);
  if (source->directory == target->directory) {
    source->directory->names.erase(source->name);
    target->directory->names[target->name] = node;
    state_->changes.push_back({.kind = Change::Kind::kMove,
                               .node = target->directory,
                               .name = target->name,
                               .from = source->name,
                               .target = node});
  } else {
    // Two directories, two changes: a crash may leave both names or none.
    state_->unlink(*source);
    state_->link(*target, node);
  }
  return {};
}

Status MemoryFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), false, path); !ok) return ok;
  const NodePtr node = state_->find(path);
  if (!node) return not_found(path);
  if (node->is_directory) return Error(Errc::kIo, path + " is a directory");
  state_->unlink(*state_->place(path));
  return {};
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), false, path); !ok) return ok.error();
  const NodePtr node = state_->find(path);
  if (!node) return not_found(path);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Result<FileInfo> MemoryFileSystem::info(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), false, path); !ok) return ok.error();
  const NodePtr node = state_->find(path);
  if (!node) return not_found(path);
  return FileInfo{node->is_directory, node->bytes.size()};
}

Result<std::uint64_t> MemoryFileSystem::free_bytes(const std::string& path) {
  const std::lock_guard lock(state_->mutex);
  if (Status ok = State::struck(state_->next_call(), false, path); !ok) return ok.error();
  return state_->free_bytes;
}

}  // namespace brigade::store
