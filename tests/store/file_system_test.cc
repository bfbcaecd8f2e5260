#include "brigade/store/file_system.h"

#include "support.h"

#include <catch2/catch.hpp>

#include "brigade/store/memory_file_system.h"

namespace brigade::store {
namespace {

using testing::Body;
using testing::body;

Body contents(FileSystem& fs, const std::string& path) {
  auto file = fs.open(path, OpenMode::kRead);
  REQUIRE(file);
  Body bytes(static_cast<std::size_t>(*(*file)->size()));
  REQUIRE(*(*file)->read(0, bytes) == bytes.size());
  return bytes;
}

std::unique_ptr<File> create(FileSystem& fs, const std::string& path, const Body& bytes) {
  auto file = fs.open(path, OpenMode::kCreate);
  REQUIRE(file);
  REQUIRE((*file)->write(0, bytes));
  return std::move(*file);
}

/// What both implementations must do.
void check_port(FileSystem& fs, const std::string& dir) {
  const Body bytes = body(1, 5000);
  REQUIRE(fs.make_directory(dir + "/a"));
  REQUIRE(fs.make_directory(dir + "/a"));
  REQUIRE(fs.open(dir + "/a/none", OpenMode::kRead).error().code() == Errc::kNotFound);
  REQUIRE(fs.open(dir + "/none/x", OpenMode::kCreate).error().code() == Errc::kNotFound);

  auto file = create(fs, dir + "/a/x", bytes);
  REQUIRE(fs.open(dir + "/a/x", OpenMode::kCreate).error().code() == Errc::kConflict);
  REQUIRE(file->sync());
  REQUIRE(fs.sync_directory(dir + "/a"));
  REQUIRE(contents(fs, dir + "/a/x") == bytes);

  // A read across the end gives what is there; behind it, nothing.
  Body part(1000);
  REQUIRE(*file->read(4500, part) == 500);
  REQUIRE(*file->read(5000, part) == 0);
  REQUIRE(*file->read(9000, part) == 0);

  REQUIRE(file->write(6000, body(2, 10)));
  REQUIRE(*file->size() == 6010);
  REQUIRE(*file->read(5500, part) == 510);
  REQUIRE(part[0] == std::byte{0});
  REQUIRE(file->truncate(100));
  REQUIRE(*file->size() == 100);

  create(fs, dir + "/a/y", bytes);
  REQUIRE(fs.list(dir + "/a").value() == std::vector<std::string>{"x", "y"});
  REQUIRE(fs.rename(dir + "/a/y", dir + "/a/x"));
  REQUIRE(fs.list(dir + "/a").value() == std::vector<std::string>{"x"});
  REQUIRE(contents(fs, dir + "/a/x") == bytes);
  REQUIRE(*file->size() == 100);  // the replaced file lives on for who has it open

  REQUIRE(fs.info(dir + "/a")->is_directory);
  REQUIRE_FALSE(fs.info(dir + "/a/x")->is_directory);
  REQUIRE(fs.info(dir + "/a/x")->bytes == 5000);
  REQUIRE(fs.info(dir + "/a/z").error().code() == Errc::kNotFound);
  REQUIRE(fs.remove(dir + "/a/x"));
  REQUIRE(fs.remove(dir + "/a/x").error().code() == Errc::kNotFound);
  REQUIRE(fs.rename(dir + "/a/x", dir + "/a/y").error().code() == Errc::kNotFound);
  REQUIRE(fs.list(dir + "/b").error().code() == Errc::kNotFound);
  REQUIRE(*fs.free_bytes(dir) > 0);
}

TEST_CASE("both file systems do the same") {
  SECTION("the real one") {
    const testing::TempDir dir;
    PosixFileSystem fs;
    check_port(fs, dir.path());
  }
  SECTION("the one in memory") {
    MemoryFileSystem fs;
    REQUIRE(fs.make_directory("/d"));
    check_port(fs, "/d");
  }
}

TEST_CASE("a real device that is full says so, and what to do") {
  PosixFileSystem fs;
  const auto full = fs.open("/dev/full", OpenMode::kWrite);
  REQUIRE(full);
  const Status written = (*full)->write(0, body(1, 10));
  REQUIRE(written.error().code() == Errc::kNoSpace);
  REQUIRE(written.error().detail().find("free some space") != std::string::npos);
}

TEST_CASE("what was not synced is gone after a crash, what was is not") {
  MemoryFileSystem fs;
  const auto lose_all = [](std::size_t) { return Kept::kLost; };
  const Body bytes = body(1, 100);
  REQUIRE(fs.make_directory("/d"));
  REQUIRE(fs.sync_directory("/"));
  const auto synced = create(fs, "/d/synced", bytes);
  REQUIRE(synced->sync());
  REQUIRE(create(fs, "/d/no-name", bytes)->sync());
  create(fs, "/d/no-bytes", bytes);

  SECTION("names that were synced stay, with the bytes that were") {
    REQUIRE(fs.sync_directory("/d"));
    REQUIRE(synced->write(0, body(2, 100)));
    fs.crash(lose_all);
    REQUIRE(contents(fs, "/d/synced") == bytes);
    REQUIRE(contents(fs, "/d/no-name") == bytes);
    REQUIRE(contents(fs, "/d/no-bytes").empty());
  }
  SECTION("synced bytes without a synced name are no file") {
    fs.crash(lose_all);
    REQUIRE(fs.list("/d")->empty());
  }
  SECTION("a removal that was not synced did not happen") {
    REQUIRE(fs.sync_directory("/d"));
    REQUIRE(fs.remove("/d/synced"));
    REQUIRE(fs.rename("/d/no-name", "/d/renamed"));
    fs.crash(lose_all);
    REQUIRE(fs.list("/d").value() == std::vector<std::string>{"no-bytes", "no-name", "synced"});
  }
  SECTION("a rename within a directory happens whole or not at all") {
    REQUIRE(fs.sync_directory("/d"));
    REQUIRE(fs.rename("/d/no-name", "/d/synced"));
    REQUIRE(fs.volatile_changes() == 2);  // the bytes of no-bytes, and the rename
    fs.crash([](std::size_t) { return Kept::kWhole; });
    REQUIRE(fs.list("/d").value() == std::vector<std::string>{"no-bytes", "synced"});
  }
  SECTION("a torn write leaves its first half") {
    REQUIRE(fs.sync_directory("/d"));
    fs.crash([](std::size_t) { return Kept::kTorn; });
    REQUIRE(contents(fs, "/d/no-bytes") == Body(bytes.begin(), bytes.begin() + 50));
  }
  SECTION("a file that was open is dead") {
    fs.crash(lose_all);
    REQUIRE(synced->sync().error().code() == Errc::kIo);
  }
}

TEST_CASE("after a failed sync the bytes never reach the disk, even if the next sync succeeds") {
  MemoryFileSystem fs;
  const auto file = create(fs, "/x", body(1, 100));
  REQUIRE(fs.sync_directory("/"));
  fs.fail_at(fs.calls(), Fault::kIo);
  REQUIRE(file->sync().error().code() == Errc::kIo);
  REQUIRE(file->sync());
  REQUIRE(contents(fs, "/x").size() == 100);
  fs.crash([](std::size_t) { return Kept::kWhole; });
  REQUIRE(contents(fs, "/x").empty());
}

TEST_CASE("a short write is continued") {
  MemoryFileSystem fs;
  const Body bytes = body(1, 100);
  auto file = fs.open("/x", OpenMode::kCreate);
  REQUIRE(file);
  const std::uint64_t before = fs.calls();
  fs.fail_from_now(Fault::kShortWrite);
  REQUIRE((*file)->write(0, bytes));
  REQUIRE(fs.calls() > before + 1);
  fs.heal();
  REQUIRE(contents(fs, "/x") == bytes);
}

TEST_CASE("after the power went, nothing works until it is back") {
  MemoryFileSystem fs;
  fs.fail_at(fs.calls() + 1, Fault::kPowerOff);
  REQUIRE(fs.make_directory("/a"));
  REQUIRE_FALSE(fs.make_directory("/b"));
  REQUIRE_FALSE(fs.list("/"));
  fs.crash([](std::size_t) { return Kept::kWhole; });
  REQUIRE(fs.list("/").value() == std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace brigade::store
