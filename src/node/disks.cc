#include "disks.h"

#include "store_mark.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <utility>

#include <spdlog/spdlog.h>

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::size_t kReportBytesMax = 1000;

Result<store::DiskSet::Disk> open_disk(store::FileSystem& file_system, const std::string& path,
                                       const store::SegmentStoreOptions& options) {
  if (Status ok = settle_store_mark(path); !ok) return ok.error();
  auto store = store::open_segment_store(file_system, path, options);
  if (!store) return store.error();
  const auto free = file_system.free_bytes(path);
  if (!free) return free.error();
  const std::uint64_t capacity = *free + (*store)->stats().bytes;
  return store::DiskSet::Disk{path, std::move(*store), std::max<std::uint64_t>(capacity, 1)};
}

/// What is there in full is not lost: to give it up would lose objects of redundancy 1, and copy all others anew.
Status check_lost(store::FileSystem& file_system, const std::string& path, const store::SegmentStoreOptions& options) {
  const auto lock = DataLock::take({path}, Sharing::kAlone, "a node looks whether it can be read");
  if (!lock || !open_disk(file_system, path, options)) return {};
  return Error(Errc::kConflict, "the disk " + path +
                                    " is there and can be read, so it is not given up. Start without --give-up; if it "
                                    "is to go, unmount it, or move it away, first");
}

bool is_same_family(BucketId a, BucketId b) {
  return a.value / store::DiskSet::kFamilyBuckets == b.value / store::DiskSet::kFamilyBuckets;
}

}  // namespace

Status check_disk_versions(store::FileSystem& file_system, const DataDir& dir, const std::vector<std::string>& paths) {
  const auto known = DiskRegister::load(dir);
  if (!known) return known.error();
  if (Status ok = DiskRegister::check_marks(paths); !ok) return ok;
  if (Status ok = check_store_mark_versions(dir.root); !ok) return ok;
  if (Status ok = store::check_store_versions(file_system, dir.root); !ok) return ok;
  for (const std::string& path : paths)
    if (Status ok = check_store_mark_versions(path); !ok) return ok;
  for (const std::string& path : paths)
    if (Status ok = store::check_store_versions(file_system, path); !ok && ok.error().code() == Errc::kConflict)
      return ok;
  return {};
}

Result<OpenDisks> open_disks(store::FileSystem& file_system, const DataDir& dir, const std::vector<std::string>& paths,
                             const std::vector<std::string>& give_up, const store::Identity& self,
                             const store::SegmentStoreOptions& options) {
  auto known = DiskRegister::load(dir);
  if (!known) return known.error();
  for (const std::string& path : give_up)
    if (known->is_there(path))
      if (Status lost = check_lost(file_system, path, options); !lost) return lost.error();
  const auto usable = known->settle(paths, give_up, self);
  if (!usable) return usable.error();
  auto own = open_disk(file_system, dir.root, options);
  if (!own && own.error().code() == Errc::kNotFound)
    return Error(Errc::kNotFound, own.error().detail() +
                                      ". If they are lost, so is this node: `brigade remove` it, and "
                                      "bootstrap another one in an empty directory");
  if (!own) return own.error();
  own->path = fs::absolute(dir.root).lexically_normal().string();  // people see it beside the others, which are whole
  if (known->disks().empty()) return OpenDisks{std::move(own->store), nullptr, std::move(*known), {}};
  std::vector<DataLock> locks;
  std::vector<store::DiskSet::Disk> disks;
  disks.push_back(std::move(*own));
  for (const std::string& path : *usable) {
    auto lock = DataLock::take({path}, Sharing::kAlone, "a node has it as one of its disks");
    if (!lock) return lock.error();
    locks.push_back(std::move(*lock));
    auto disk = open_disk(file_system, path, options);
    if (!disk)
      return Error(disk.error().code(), "the disk " + path + ": " + disk.error().detail() +
                                            ". If it is lost, start once with `--give-up " + path + "`");
    disks.push_back(std::move(*disk));
  }
  auto set = store::DiskSet::make(std::move(disks), known->is_open());
  if (!set) return set.error();
  OpenDisks opened{nullptr, set->get(), std::move(*known), std::move(locks)};
  opened.store = std::move(*set);
  return opened;
}

DiskKeeper::DiskKeeper(NodeContext& context, store::DiskSet& set, DiskRegister known)
    : context_(context), set_(set), known_(std::move(known)) {
  context_.disks = &set_;
  context_.withheld.change([this](auto& buckets) { buckets.is_whole = !known_.is_open(); });
}

void DiskKeeper::add_lost(Withheld::Buckets& buckets, const View& view) const {
  set_.lost().for_each([&](BucketId bucket) { buckets.emptied.try_emplace(bucket, view.map.seq()); });
}

/// What is lost is not served from now on, and later said to be so for the parts that this node has by now.
void DiskKeeper::look_for_failures(const View& view) {
  for (const std::size_t disk : set_.failed_disks()) {
    if (!noted_.insert(disk).second) continue;
    const auto state = set_.states()[disk];
    context_.withheld.change([&](auto& buckets) { add_lost(buckets, view); });
    spdlog::critical("disk failed path={} reason=\"{}\": its {} buckets will be filled anew from their siblings",
                     state.path, *state.failed, set_.lost().size());
    known_.give_up(state.path);
    unsaved_ = true;
  }
}

/// After a start without a disk that was there before: only a node that may serve knows all the parts that it had.
void DiskKeeper::look_for_what_was_lost(const View& view) {
  if (context_.withheld.now().is_whole || !context_.control.may_serve()) return;
  context_.withheld.change([&](auto& buckets) {
    add_lost(buckets, view);
    buckets.is_whole = true;
  });
  spdlog::warn("a disk was given up: what may have been on it will be filled anew from the siblings");
}

void DiskKeeper::report(const View& view) {
  std::map<Seq, BucketSet> lost;
  for (const auto& [bucket, as_of] : context_.withheld.now().emptied)
    if (is_missed(view, bucket)) lost[as_of].add(bucket);
  for (const auto& [as_of, buckets] : lost)
    for (BucketSet& part : buckets.split(kReportBytesMax)) {
      wire::Report statement;
      statement.kind = wire::ReportKind::kEmptied;
      statement.as_of = as_of;
      statement.buckets = std::move(part);
      context_.control.report(std::move(statement));
    }
  if (!context_.withheld.now().emptied.empty())
    context_.withheld.change([&](auto& buckets) { give_other_disks(buckets.emptied, view); });
  if (context_.withheld.now().is_whole && context_.withheld.now().emptied.empty() && known_.is_open()) {
    known_.close();
    unsaved_ = true;
    spdlog::info("what was lost with a disk is being filled anew");
  }
}

/// A family gets another disk once none of its buckets is missed any more.
void DiskKeeper::give_other_disks(std::map<BucketId, Seq>& emptied, const View& view) {
  for (auto at = emptied.begin(); at != emptied.end();) {
    auto end = at;
    bool missed = false;
    for (; end != emptied.end() && is_same_family(at->first, end->first); ++end)
      missed = missed || is_missed(view, end->first);
    if (!missed) {
      set_.release(at->first);
      at = emptied.erase(at, end);
    } else {
      at = end;
    }
  }
}

bool DiskKeeper::is_missed(const View& view, BucketId bucket) const {
  return context_.withheld.is_emptied(view.map, context_.self, bucket);
}

asio::awaitable<void> DiskKeeper::save() {
  auto write = [this] { return known_.save(); };
  const Status saved = co_await context_.disk.run(std::move(write));
  if (!saved) spdlog::error("the register of disks can't be written: {}", saved.error().detail());
  unsaved_ = !saved;
}

asio::awaitable<void> DiskKeeper::run() {
  while (!stopped_) {
    const auto view = context_.view();
    if (view->in_roster) {
      look_for_failures(*view);
      look_for_what_was_lost(*view);
      // Known on disk before anybody is told: a disk that was given up must not come back with the next start.
      if (unsaved_) co_await save();
      if (!unsaved_) report(*view);
      if (unsaved_) co_await save();
    }
    co_await pause_for(kTurn);
  }
}

boost::json::array disks_json(const NodeContext& context) {
  boost::json::array list;
  if (context.disks == nullptr) return list;
  for (const store::DiskSet::DiskState& disk : context.disks->states()) {
    boost::json::object one{{"path", disk.path},
                            {"state", disk.failed ? "failed" : "in use"},
                            {"objects", disk.stats.objects},
                            {"bytes", disk.stats.bytes}};
    one["reason"] = disk.failed ? boost::json::value(*disk.failed) : boost::json::value(nullptr);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace brigade::node
