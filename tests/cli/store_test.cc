// `brigade store ...` on data directories whose node is stopped, and on one that is in use.
#include "app.h"
#include "commands.h"
#include "temp_dir.h"

#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "brigade/base/checksum.h"
#include "brigade/node/config.h"
#include "brigade/node/data_lock.h"
#include "brigade/store/segment_store.h"

namespace brigade::cli {
namespace {

using Catch::Contains;
namespace json = boost::json;

struct Ran {
  int code = 0;
  std::string out, err;
};

Ran run(std::vector<std::string> arguments) {
  std::vector<const char*> words{"brigade"};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  std::ostringstream out, err;
  auto* const out_before = std::cout.rdbuf(out.rdbuf());
  auto* const err_before = std::cerr.rdbuf(err.rdbuf());
  Ran ran;
  ran.code = run_app(static_cast<int>(words.size()), words.data());
  std::cout.rdbuf(out_before);
  std::cerr.rdbuf(err_before);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

struct Fixture {
  test::TempDir temp;
  std::string data = temp / "n1";

  Fixture() {
    REQUIRE(run({"bootstrap", "--data", data, "--name", "n1", "--listen-client", "127.0.0.1:8080", "--listen-peer",
                 "127.0.0.1:8081"})
                .code == kDone);
  }
  void put(const std::string& key, const std::string& body) {
    const node::DataDir dir{data};
    store::PosixFileSystem files;
    auto store = store::open_segment_store(files, dir.root).value();
    auto staged = store->stage(object_id(NamingSecret{node::load_config(dir)->naming_seed}, key), key, body.size());
    REQUIRE(staged);
    REQUIRE((*staged)->write(std::as_bytes(std::span(body))));
    REQUIRE((*staged)->finish());
    REQUIRE(store->commit(std::move(*staged), {.revision = Revision{7}, .content_type = "text/plain"}));
    // An idle node's: what was written is confirmed, so that damage is not taken for a write that a power cut tore.
    while (store->maintain(WallTime{}).again) continue;
  }
  Ran tool(const std::string& name, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"store", name, "--data", data});
    return run(more);
  }
};

TEST_CASE_METHOD(Fixture, "a store that is there can be checked, dumped, and its index rebuilt") {
  put("a/b", "the body");
  put("a/c", "another");
  const Ran check = tool("check");
  CAPTURE(check.err);
  CHECK(check.code == kDone);
  CHECK_THAT(check.out, Catch::StartsWith("clean: ") && Contains("2 objects"));
  CHECK(check.err.empty());
  CHECK(json::parse(tool("check", {"--json"}).out).at("clean").as_bool());

  const Ran dump = tool("dump", {"--key", "a/b"});
  CHECK(dump.code == kDone);
  CHECK(std::count(dump.out.begin(), dump.out.end(), '\n') == 1);
  CHECK_THAT(dump.out, Catch::StartsWith("live ") && Contains("size 8") && Contains(" key a/b\n"));
  std::istringstream lines(tool("dump", {"--json"}).out);
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(json::parse(line).at("key").as_string() == "a/b");
  CHECK(json::parse(line).at("state").as_string() == "live");

  const Ran rebuilt = tool("rebuild-index");
  CHECK(rebuilt.code == kDone);
  CHECK_THAT(rebuilt.out, Contains("2 objects"));
  CHECK(json::parse(tool("check", {"--json"}).out).at("has_index_snapshot").as_bool());
}

TEST_CASE_METHOD(Fixture, "damage is listed with file, offset, reason and key, and is a failure") {
  put("a/b", "the body");
  const json::object record = json::parse(tool("dump", {"--json"}).out).as_object();
  const std::string file(record.at("file").as_string());
  {
    std::fstream segment(file, std::ios::binary | std::ios::in | std::ios::out);
    segment.seekp(record.at("offset").as_int64() + 192);
    segment.put('X');
  }
  const Ran check = tool("check");
  CHECK(check.code == kFailed);
  CHECK_THAT(check.out, Contains(file) && Contains("offset 4096") && Contains("checksum") && Contains("key a/b"));
  const json::value told = json::parse(tool("check", {"--json"}).out);
  CHECK_FALSE(told.at("clean").as_bool());
  CHECK(told.at("damage").as_array().at(0).at("key").as_string() == "a/b");
}

TEST_CASE_METHOD(Fixture, "what is not there is said not to be there") {
  put("a", "b");
  const Ran dump = tool("dump", {"--key", "nope"});
  CHECK(dump.code == kFailed);
  CHECK_THAT(dump.err, Contains("no record of nope is in " + data));
  const Ran none = run({"store", "check", "--data", "/nonexist"});
  CHECK(none.code == kFailed);
  CHECK_THAT(none.err, Contains("there is no directory /nonexist"));
}

TEST_CASE_METHOD(Fixture, "a data directory in use, or without a store, is refused and named") {
  const Ran none = tool("check");
  CHECK(none.code == kFailed);
  CHECK_THAT(none.err, Contains(data) && Contains("no store"));
  put("a", "b");
  const auto lock = node::DataLock::take({data}, node::Sharing::kAlone, "a node serves from it");
  REQUIRE(lock);
  for (const char* name : {"check", "dump", "rebuild-index"}) {
    const Ran refused = tool(name);
    CHECK(refused.code == kFailed);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, Contains(data) && Contains("a node serves from it"));
  }
  CHECK(run({"store"}).code == kUsage);
  CHECK(run({"store", "check"}).code == kUsage);
}

}  // namespace
}  // namespace brigade::cli
