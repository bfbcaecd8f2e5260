#include "segment.h"

#include "content_index.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <utility>

namespace brigade::store {
namespace {

constexpr std::size_t kZerosBytes = std::size_t{1} << 20;

std::string hex8(std::uint64_t value) {
  char text[24];
  const int n = std::snprintf(text, sizeof text, "%08llx", static_cast<unsigned long long>(value));
  return {text, static_cast<std::size_t>(n)};
}

}  // namespace

std::string segment_name(std::uint64_t serial) {
  return hex8(serial) + ".seg";
}

std::uint64_t parse_segment_name(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot < 8 || dot > 16 || name.substr(dot) != ".seg") return 0;
  std::uint64_t serial = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + dot, serial, 16);
  if (error != std::errc() || end != name.data() + dot || segment_name(serial) != name) return 0;
  return serial;
}

Result<SegmentPtr> SegmentTable::add(std::unique_ptr<Segment> segment) {
  const std::unique_lock lock(mutex_);
  auto free = std::find(slots_.begin(), slots_.end(), nullptr);
  if (free == slots_.end()) {
    if (slots_.size() >= IndexRecord::kSlotMax) return Error(Errc::kNoSpace, "the store has too many segments");
    slots_.emplace_back();
    free = slots_.end() - 1;
  }
  segment->slot = static_cast<std::uint32_t>(free - slots_.begin());
  *free = std::move(segment);
  return *free;
}

void SegmentTable::remove(const Segment& segment) {
  const std::unique_lock lock(mutex_);
  slots_[segment.slot].reset();
}

SegmentPtr SegmentTable::get(std::uint32_t slot) const {
  const std::shared_lock lock(mutex_);
  return slot < slots_.size() ? slots_[slot] : nullptr;
}

std::vector<SegmentPtr> SegmentTable::all() const {
  std::vector<SegmentPtr> segments;
  {
    const std::shared_lock lock(mutex_);
    for (const SegmentPtr& segment : slots_)
      if (segment) segments.push_back(segment);
  }
  std::sort(segments.begin(), segments.end(),
            [](const auto& a, const auto& b) { return a->header.serial < b->header.serial; });
  return segments;
}

Status SegmentFolder::check_versions() {
  const Result<std::vector<std::string>> names = file_system_.list(options_.path);
  if (!names) return names.error().code() == Errc::kNotFound ? Status() : names.error();
  for (const std::string& name : *names) {
    if (parse_segment_name(name) == 0) continue;
    const std::string path = options_.path + "/" + name;
    const Result<std::unique_ptr<File>> file = file_system_.open(path, OpenMode::kRead);
    if (!file) return file.error();
    SegmentHeaderBlock block{};
    const Result<std::size_t> n = (*file)->read(0, block);
    if (!n) continue;  // damage, which is the recovery's
    const Result<SegmentHeader> header = decode_segment_header(std::span<const std::byte>(block).first(*n));
    if (!header && header.error().code() == Errc::kConflict)
      return Error(Errc::kConflict, path + ": " + header.error().detail());
  }
  return {};
}

void SegmentFolder::add_spare(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  spares_.push_back({name, bytes});
  // No name twice: a rename would put one file in the place of the other.
  std::uint64_t number = 0;
  if (name.starts_with('z') &&
      std::from_chars(name.data() + 1, name.data() + name.size(), number, 16).ec == std::errc())
    next_name_ = std::max(next_name_, number + 1);
}

std::size_t SegmentFolder::spares(std::uint64_t bytes) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(spares_.begin(), spares_.end(), [&](const Spare& spare) { return spare.bytes == bytes; }));
}

std::uint64_t SegmentFolder::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const Spare& spare : spares_) bytes += spare.bytes;
  for (const Retired& retired : retired_) bytes += retired.spare.bytes;
  return bytes;
}

Status SegmentFolder::fill(const std::string& path, std::uint64_t bytes) {
  const Result<std::unique_ptr<File>> file = file_system_.open(path, OpenMode::kCreate);
  if (!file) return file.error();
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min<std::uint64_t>(kZerosBytes, bytes)));
  for (std::uint64_t at = 0; at < bytes; at += zeros.size()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), bytes - at));
    if (Status ok = (*file)->write(at, std::span(zeros).first(n)); !ok) return ok;
  }
  return (*file)->sync();
}

Status SegmentFolder::check_space(std::uint64_t bytes, bool keep_reserve) {
  const Result<std::uint64_t> free = file_system_.free_bytes(options_.path);
  if (!free) return free.error();
  const std::uint64_t needed = bytes + (keep_reserve ? options_.reserve_bytes : 0);
  if (*free < needed)
    return Error(Errc::kNoSpace, std::to_string(*free) + " bytes are free in " + options_.path +
                                     ", a segment and the reserve take " + std::to_string(needed) +
                                     "; free some space");
  return {};
}

Status SegmentFolder::prepare(std::uint64_t bytes, bool keep_reserve) {
  if (Status ok = check_space(bytes, keep_reserve); !ok) return ok;
  std::string stem;
  {
    const std::lock_guard lock(mutex_);
    stem = "z" + hex8(next_name_++);
  }
  const std::string path = options_.path + "/" + stem;
  Status made = fill(path + ".new", bytes);
  if (made) made = file_system_.rename(path + ".new", path + ".spare");
  if (!made) {
    // If this fails, the next start removes the file.
    if (made.error().code() != Errc::kConflict) static_cast<void>(file_system_.remove(path + ".new"));
    return made;
  }
  add_spare(stem + ".spare", bytes);
  return {};
}

Result<std::unique_ptr<Segment>> SegmentFolder::activate(const SegmentHeader& header) {
  Spare spare;
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(spares_.begin(), spares_.end(), [&](const Spare& s) { return s.bytes == header.bytes; });
    if (found == spares_.end()) return Error(Errc::kNotFound, "no segment is prepared");
    spare = *found;
    spares_.erase(found);
  }
  auto segment = std::make_unique<Segment>();
  segment->header = header;
  segment->path = options_.path + "/" + segment_name(header.serial);
  const std::string from = options_.path + "/" + spare.name;
  Result<std::unique_ptr<File>> file = file_system_.open(from, OpenMode::kWrite);
  Status done = file ? Status() : Status(file.error());
  if (done) done = (*file)->write(0, encode_segment_header(header));
  if (done) done = (*file)->sync();
  if (done) done = file_system_.rename(from, segment->path);
  // From here on the name may be on disk or not; a failed sync can't be made good, whatever its reason.
  if (done)
    if (Status ok = file_system_.sync_directory(options_.path); !ok) return Error(Errc::kIo, ok.error().detail());
  if (!done) {
    if (done.error().code() == Errc::kOverloaded) {
      add_spare(spare.name, spare.bytes);
    } else {
      static_cast<void>(file_system_.remove(from));
    }
    if (done.error().code() == Errc::kNotFound) return Error(Errc::kIo, done.error().detail());
    return done.error();
  }
  segment->file = std::move(*file);
  return segment;
}

Status SegmentFolder::retire(SegmentPtr segment) {
  const bool damaged = segment->damaged;
  const std::string name =
      damaged ? segment_name(segment->header.serial) : "r" + hex8(segment->header.serial) + ".spare";
  const std::string to = (damaged ? options_.corrupt : options_.path) + "/" + name;
  if (damaged) {
    // The new name first: the file must not get lost on the way between two directories.
    if (Status ok = file_system_.rename(segment->path, to); !ok) return ok;
    for (const std::string& path : {options_.corrupt, options_.path})
      if (Status ok = file_system_.sync_directory(path); !ok) return Error(Errc::kIo, ok.error().detail());
    return {};
  }
  if (Status ok = file_system_.rename(segment->path, to); !ok) return ok;
  if (Status ok = file_system_.sync_directory(options_.path); !ok) return Error(Errc::kIo, ok.error().detail());
  const std::lock_guard lock(mutex_);
  const std::uint64_t bytes = segment->header.bytes;
  retired_.push_back({std::move(segment), {name, bytes}});
  return {};
}

Status SegmentFolder::reclaim(std::uint64_t bytes, std::size_t keep) {
  std::vector<Spare> unwanted;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(retired_, [&](const Retired& retired) {
      // Out of the table: nobody can get hold of it any more, so the last holder stays the last.
      if (retired.segment.use_count() > 1) return false;
      spares_.push_back(retired.spare);
      return true;
    });
    std::size_t fitting = 0;
    std::erase_if(spares_, [&](const Spare& spare) {
      if (spare.bytes == bytes && fitting++ < keep) return false;
      unwanted.push_back(spare);
      return true;
    });
  }
  for (const Spare& spare : unwanted) {
    const Status removed = file_system_.remove(options_.path + "/" + spare.name);
    if (!removed && removed.error().code() != Errc::kNotFound) return removed;
  }
  return {};
}

}  // namespace brigade::store
