#include "disk_register.h"

#include "temp_dir.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  test::TempDir dir;
  std::string root = make("own"), b = make("b"), c = make("c");
  store::Identity self{ClusterId{1}, NodeId{0x22}, StoreId{3}};

  std::string make(const std::string& name) {
    fs::create_directory(dir.path() + "/" + name);
    return dir.path() + "/" + name;
  }
  DiskRegister load() {
    auto loaded = DiskRegister::load({root});
    REQUIRE(loaded);
    return std::move(*loaded);
  }
  Result<std::vector<std::string>> settle(const std::vector<std::string>& paths,
                                          const std::vector<std::string>& give_up = {}) {
    return load().settle(paths, give_up, self);
  }
};

TEST_CASE_METHOD(Fixture, "a node with one directory keeps no register") {
  REQUIRE(settle({})->empty());
  REQUIRE_FALSE(fs::exists(root + "/disks.toml"));
}

TEST_CASE_METHOD(Fixture, "new disks are marked, and known again") {
  fs::create_directory(b + "/lost+found");
  REQUIRE(*settle({b}) == std::vector{b});
  REQUIRE(fs::exists(b + "/disk.toml"));
  const auto before = load().disks();
  REQUIRE(before.size() == 1);
  REQUIRE(*settle({b, c}) == std::vector{b, c});
  REQUIRE(load().disks().front() == before.front());
  REQUIRE_FALSE(load().is_open());
}

TEST_CASE_METHOD(Fixture, "a disk that is not there, is another one, or is not named is refused with what to do") {
  REQUIRE(settle({b, c}));
  SECTION("not named") {
    const auto refused = settle({b});
    REQUIRE(refused.error().code() == Errc::kConflict);
    REQUIRE(refused.error().detail().find("--give-up " + c) != std::string::npos);
  }
  SECTION("not mounted") {
    fs::remove_all(c);
    fs::create_directory(c);
    const auto refused = settle({b, c});
    REQUIRE(refused.error().code() == Errc::kNotFound);
    REQUIRE(refused.error().detail().find("mount it") != std::string::npos);
  }
  SECTION("exchanged") {
    fs::rename(b + "/disk.toml", dir.path() + "/mark");
    fs::rename(c + "/disk.toml", b + "/disk.toml");
    fs::rename(dir.path() + "/mark", c + "/disk.toml");
    REQUIRE(settle({b, c}).error().code() == Errc::kConflict);
  }
  REQUIRE(load().disks().size() == 2);
  REQUIRE_FALSE(load().is_open());
}

TEST_CASE_METHOD(Fixture, "a new disk must be an empty directory that nobody else uses") {
  REQUIRE(settle({dir.path() + "/none"}).error().code() == Errc::kNotFound);
  std::ofstream(b + "/photo.jpg") << "x";
  REQUIRE(settle({b}).error().code() == Errc::kConflict);
  self.node = NodeId{0x33};
  REQUIRE(settle({c}));
  self.node = NodeId{0x22};
  fs::remove(root + "/disks.toml");
  const auto refused = settle({c});
  REQUIRE(refused.error().code() == Errc::kConflict);
  REQUIRE(refused.error().detail().find("0000000000000033") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a mark that a power cut left before the register is taken up") {
  REQUIRE(settle({b}));
  const auto id = load().disks().front().id;
  fs::remove(root + "/disks.toml");
  REQUIRE(*settle({b}) == std::vector{b});
  REQUIRE(load().disks().front().id == id);
}

TEST_CASE_METHOD(Fixture, "a disk that was given up stays so, whatever is on it, until it is emptied") {
  REQUIRE(settle({b, c}));
  REQUIRE(load().is_there(c));
  REQUIRE_FALSE(load().is_there(dir.path() + "/none"));
  REQUIRE(*settle({b, c}, {c}) == std::vector{b});
  REQUIRE_FALSE(load().is_there(c));
  REQUIRE(load().is_open());
  REQUIRE(*settle({b, c}) == std::vector{b});  // it is back
  fs::rename(c, c + ".away");
  REQUIRE(*settle({b, c}) == std::vector{b});
  REQUIRE(*settle({b}) == std::vector{b});
  fs::create_directory(c);
  REQUIRE(*settle({b, c}) == std::vector{b, c});  // a new one
  REQUIRE(load().disks().size() == 2);
  REQUIRE(load().is_open());  // which tells the cluster nothing of the old one
  REQUIRE(settle({b, c}, {dir.path() + "/none"}).error().code() == Errc::kNotFound);
}

TEST_CASE_METHOD(Fixture, "a register that can't be read is not taken for none") {
  REQUIRE(settle({b}));
  std::ofstream(root + "/disks.toml") << "open = [";
  REQUIRE(DiskRegister::load({root}).error().code() == Errc::kInvalid);
  std::ofstream(root + "/disks.toml") << "[[disk]]\nid = 7\n";
  REQUIRE(DiskRegister::load({root}).error().code() == Errc::kInvalid);
}

}  // namespace
}  // namespace brigade::node
