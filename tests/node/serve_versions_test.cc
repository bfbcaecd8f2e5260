// What the next release wrote is refused before anything in the directory is changed. Source: proto/README.md
// "Versions".
#include "temp_dir.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "brigade/base/checksum.h"
#include "brigade/node/bootstrap.h"
#include "brigade/node/serve.h"
#include "brigade/store/file_system.h"
#include "brigade/store/journal.h"
#include "brigade/store/segment_store.h"

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

using test::read_file;

/// What is there, and when it was last written; but for the lock, which says who looks.
std::map<std::string, std::pair<std::string, fs::file_time_type>> contents(const std::string& root) {
  std::map<std::string, std::pair<std::string, fs::file_time_type>> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
    found[entry.path()] = {read_file(entry.path().string()), entry.last_write_time()};
  }
  return found;
}

/// A node with a store that has something in it, as it is after a stop.
struct Stopped {
  test::TempDir temp;
  DataDir dir{temp / "n1"};

  Stopped() {
    Config config;
    config.name = "n1";
    config.transport = Transport::kUnicast;
    config.client_listen = "127.0.0.1:1";
    config.peer_listen = "127.0.0.1:2";
    REQUIRE(bootstrap_cluster(dir, config, {}));
    store_at(dir.root);
    REQUIRE(store::Journal::open(dir.journal()));  // as its one start did
  }
  static void store_at(const std::string& path) {
    store::PosixFileSystem files;
    store::SegmentStoreOptions small;
    small.segment_bytes_min = small.segment_bytes_max = std::uint64_t{2} << 20;
    const auto store = store::open_segment_store(files, path, small).value();
    const ObjectId id{1, 2};
    auto staged = store->stage(id, "key", 3).value();
    REQUIRE(staged->write(std::as_bytes(std::span("abc", 3))));
    REQUIRE(staged->finish());
    store::CommitInfo info;
    info.revision = Revision{1};
    REQUIRE(store->commit(std::move(staged), info));
  }
  /// Gives all segments the next format version.
  static void raise_segments(const std::string& path) {
    for (const auto& entry : fs::directory_iterator(path + "/objects/segments")) {
      if (entry.path().extension() != ".seg") continue;
      std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
      std::array<char, 48> head{};
      file.read(head.data(), head.size());
      ++head[8];
      std::uint64_t sum = checksum(std::as_bytes(std::span(head)));
      std::array<char, 8> trailer{};
      for (char& byte : trailer) byte = static_cast<char>(sum), sum >>= 8;
      for (const int at : {0, 2048})
        file.seekp(at).write(head.data(), head.size()).write(trailer.data(), trailer.size());
    }
  }
  static void add_line(const std::string& path, const std::string& before, const std::string& after) {
    std::string text = read_file(path);
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    text.replace(at, before.size(), after);
    test::write_file(path, text);
  }
  /// It is refused and left alone.
  void refused(const ServeOptions& options) const {
    const auto before = contents(temp.path());
    CHECK(serve(options) == 1);
    CHECK(contents(temp.path()) == before);
  }
};

}  // namespace

TEST_CASE_METHOD(Stopped, "a journal of the next protocol version is refused and left alone") {
  {
    auto journal = store::Journal::open(dir.journal()).value();
    wire::Snapshot next = *journal->take_state().snapshot;
    next.version = wire::kProtocolVersion + 1;
    REQUIRE(journal->install_snapshot(next));
    REQUIRE(journal->flush());
  }
  CHECK(store::Journal::read(dir.journal()).error().detail().find("version 2") != std::string::npos);
  CHECK(store::Journal::read(dir.journal(), wire::kProtocolVersion + 1));
  refused({dir.root, {}, {}});
}

TEST_CASE_METHOD(Stopped, "a journal that is two releases old is refused and left alone") {
  ServeOptions options{dir.root, {}, {}};
  options.speaks = wire::kProtocolVersion + 2;
  refused(options);
}

TEST_CASE_METHOD(Stopped, "segments of the next format are refused, and the journal does not count a start") {
  raise_segments(dir.root);
  refused({dir.root, {}, {}});
  CHECK(store::Journal::read(dir.journal()).value().incarnation == Incarnation{1});
}

TEST_CASE_METHOD(Stopped, "a further disk with segments of the next format is refused, and all of them left alone") {
  const std::string disk = temp / "disk";
  fs::create_directory(disk);
  store_at(disk);
  raise_segments(disk);
  refused({dir.root, {disk}, {}});
}

TEST_CASE_METHOD(Stopped, "brigade.toml, disks.toml and disk.toml of the next format are refused and left alone") {
  const std::string disk = temp / "disk";
  fs::create_directory(disk);
  SECTION("brigade.toml") {
    add_line(dir.config(), "version = 1 ", "version = 2 ");
    CHECK(load_config(dir).error().detail().find("has format version 2, and this program reads version 1") !=
          std::string::npos);
  }
  SECTION("disks.toml") {
    test::write_file(dir.root + "/disks.toml", "version = 2\n");
  }
  SECTION("disk.toml") {
    test::write_file(disk + "/disk.toml", "version = 2\n");
  }
  refused({dir.root, {disk}, {}});
}

}  // namespace brigade::node
