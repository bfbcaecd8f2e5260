#include "file_set.h"

#include "temp_dir.h"

#include <filesystem>
#include <sys/stat.h>

#include <catch2/catch.hpp>

namespace brigade::cli {
namespace {

using test::TempDir;
using test::write_file;

std::vector<std::string> keys_of(const FileSet& set) {
  std::vector<std::string> keys;
  for (const auto& file : set.files) keys.push_back(file.key);
  return keys;
}

}  // namespace

TEST_CASE("a file's key is its name, with the prefix before it") {
  const TempDir dir;
  write_file(dir / "a/photo.jpg", "12345");
  const auto found = find_files({dir / "a/photo.jpg"}, "", "trip/");
  REQUIRE(found);
  REQUIRE(found->files.size() == 1);
  CHECK(found->files[0].key == "trip/photo.jpg");
  CHECK(found->files[0].path == dir / "a/photo.jpg");
  CHECK(found->files[0].size == 5);
}

TEST_CASE("a folder's files have keys below its name, in order") {
  const TempDir dir;
  for (const char* name : {"photos/b.jpg", "photos/a/2.png", "photos/a/1.png", "photos/.hidden"})
    write_file(dir / name, name);
  const std::vector<std::string> expected = {"photos/.hidden", "photos/a/1.png", "photos/a/2.png", "photos/b.jpg"};
  CHECK(keys_of(find_files({dir / "photos"}, "", "").value()) == expected);
  CHECK(keys_of(find_files({dir / "photos/"}, "", "").value()) == expected);
  CHECK(keys_of(find_files({dir / "photos/."}, "", "").value()) == expected);
}

TEST_CASE("the folder here has no name in keys") {
  const TempDir dir;
  write_file(dir / "x/a.jpg", "");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir / "x");
  const auto found = find_files({"."}, "", "p/");
  std::filesystem::current_path(before);
  CHECK(keys_of(found.value()) == std::vector<std::string>{"p/a.jpg"});
}

TEST_CASE("what is missing or no plain file is told, and does not stop the others") {
  const TempDir dir;
  write_file(dir / "d/a.jpg", "a");
  REQUIRE(mkfifo((dir / "d/pipe").c_str(), 0600) == 0);
  std::filesystem::create_symlink("nowhere", dir / "d/broken");
  const auto found = find_files({dir / "gone.jpg", dir / "d"}, "", "");
  REQUIRE(found);
  CHECK(keys_of(*found) == std::vector<std::string>{"d/a.jpg"});
  REQUIRE(found->unusable.size() == 3);
  CHECK(found->unusable[0].path == dir / "gone.jpg");
  CHECK(found->unusable[0].reason == "is not there");
  CHECK(found->unusable[1].path == dir / "d/broken");
  CHECK(found->unusable[2].path == dir / "d/pipe");
}

TEST_CASE("a link back up is not walked for ever") {
  const TempDir dir;
  write_file(dir / "d/a.jpg", "a");
  std::filesystem::create_directory_symlink("..", dir / "d/up");
  const auto found = find_files({dir / "d"}, "", "");
  REQUIRE(found);
  CHECK(keys_of(*found) == std::vector<std::string>{"d/a.jpg"});
}

TEST_CASE("a key goes with one file only") {
  const TempDir dir;
  write_file(dir / "d/a.jpg", "a");
  write_file(dir / "d/b.jpg", "b");
  CHECK(keys_of(find_files({dir / "d/a.jpg"}, "k", "p/").value()) == std::vector<std::string>{"p/k"});
  CHECK_FALSE(find_files({dir / "d/a.jpg", dir / "d/b.jpg"}, "k", ""));
  CHECK_FALSE(find_files({dir / "d"}, "k", ""));
}

TEST_CASE("two files under one key are refused before anything is stored") {
  const TempDir dir;
  write_file(dir / "x/a.jpg", "1");
  write_file(dir / "y/a.jpg", "2");
  const auto found = find_files({dir / "x/a.jpg", dir / "y/a.jpg"}, "", "");
  REQUIRE_FALSE(found);
  CHECK_THAT(found.error().detail(), Catch::Contains("x/a.jpg") && Catch::Contains("y/a.jpg"));
}

}  // namespace brigade::cli
