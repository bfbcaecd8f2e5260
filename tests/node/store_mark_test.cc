#include "store_mark.h"

#include "temp_dir.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

namespace fs = std::filesystem;

struct Fixture {
  test::TempDir temp;
  std::string path = temp / "disk";

  Fixture() { fs::create_directory(path); }
  [[nodiscard]] std::string objects() const { return path + "/objects"; }
};

TEST_CASE_METHOD(Fixture, "a new store is marked, and known again") {
  REQUIRE(settle_store_mark(path));
  REQUIRE(fs::exists(objects() + "/store.toml"));
  const std::string mark = test::read_file(path + "/store.toml");
  REQUIRE(settle_store_mark(path));
  CHECK(test::read_file(path + "/store.toml") == mark);
}

TEST_CASE_METHOD(Fixture, "a store of a release without marks is marked, and keeps what is in it") {
  fs::create_directories(objects() + "/segments");
  REQUIRE(settle_store_mark(path));
  CHECK(fs::exists(objects() + "/segments"));
  CHECK(fs::exists(objects() + "/store.toml"));
}

TEST_CASE_METHOD(Fixture, "a store that is not there, or empty, is not taken for a new one") {
  REQUIRE(settle_store_mark(path));
  fs::remove_all(objects());
  SECTION("gone") {}
  SECTION("an empty folder, as where nothing is mounted") {
    fs::create_directory(objects());
  }
  const auto refused = settle_store_mark(path);
  REQUIRE(refused.error().code() == Errc::kNotFound);
  CHECK(refused.error().detail().find(objects()) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "another store in the place of this one is refused") {
  REQUIRE(settle_store_mark(path));
  Fixture other;
  REQUIRE(settle_store_mark(other.path));
  fs::remove_all(objects());
  fs::rename(other.objects(), objects());
  CHECK(settle_store_mark(path).error().code() == Errc::kConflict);
}

TEST_CASE_METHOD(Fixture, "a crash between the two marks leaves a store that is marked by the next start") {
  REQUIRE(settle_store_mark(path));
  fs::remove(path + "/store.toml");
  REQUIRE(settle_store_mark(path));
  CHECK(fs::exists(path + "/store.toml"));
}

TEST_CASE_METHOD(Fixture, "what a crash left of a draft of a mark does no harm") {
  fs::create_directory(objects());
  std::ofstream(path + "/store.toml.new") << "# The obj";
  std::ofstream(objects() + "/store.toml.new");
  REQUIRE(settle_store_mark(path));
  CHECK(test::read_file(path + "/store.toml").find("store = ") != std::string::npos);
  REQUIRE(settle_store_mark(path));
}

TEST_CASE_METHOD(Fixture, "a mark of another format version is seen before anything is changed") {
  std::ofstream(path + "/store.toml") << "version = 2\nstore = \"0000000000000001\"\n";
  CHECK(check_store_mark_versions(path).error().code() == Errc::kConflict);
  CHECK(settle_store_mark(path).error().code() == Errc::kConflict);
  CHECK_FALSE(fs::exists(objects()));
}

}  // namespace
}  // namespace brigade::node
