#include "app.h"

#include "commands.h"
#include "temp_dir.h"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <vector>

#include <catch2/catch.hpp>

#include "brigade/node/config.h"

namespace brigade::cli {
namespace {

using Catch::Contains;

struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs `brigade` with these arguments in this process.
Ran run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "brigade");
  std::ostringstream out;
  std::ostringstream err;
  auto* const out_before = std::cout.rdbuf(out.rdbuf());
  auto* const err_before = std::cerr.rdbuf(err.rdbuf());
  Ran ran;
  ran.code = run_app(static_cast<int>(arguments.size()), arguments.data());
  std::cout.rdbuf(out_before);
  std::cerr.rdbuf(err_before);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

}  // namespace

TEST_CASE("a command line that makes no sense is a usage error, told on stderr") {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"nonsense"},
                                             {"status", "--nonsense"},
                                             {"serve"},
                                             {"bootstrap", "--data", "d"},
                                             {"put"},
                                             {"put", "f", "--redundancy", "3"},
                                             {"bootstrap", "--data", "d", "--name", "n", "--weight", "0"},
                                             {"dev", "--data", "d", "--nodes", "0"},
                                             {"bootstrap", "--data", "d", "--name", "n", "--transport", "smoke"}}) {
    const auto ran = run(arguments);
    CAPTURE(ran.err);
    CHECK(ran.code == kUsage);
    CHECK(ran.out.empty());
    CHECK_FALSE(ran.err.empty());
  }
}

TEST_CASE("what the parser has against a command line names the command and the program") {
  CHECK(run({"serve"}).err == "brigade: serve: --data is required; `brigade serve --help` says more\n");
  CHECK(run({"status", "--nonsense"}).err ==
        "brigade: status: there is no --nonsense; `brigade status --help` says more\n");
  CHECK_THAT(run({"log", "--limit", "0"}).err, Contains("brigade: log: --limit") && Contains("at least 1"));
  CHECK_THAT(run({"log", "--limit", "x"}).err, Contains("--limit = x can't be understood"));
  CHECK_THAT(run({"bucket", "accept-loss", "70000"}).err,
             Contains("brigade: bucket accept-loss: ") && Contains("70000") && Contains("65535"));
  CHECK_THAT(run({"bucket", "accept-loss", "--help"}).out, Contains("[BUCKET...]"));
  CHECK_THAT(run({"bucket", "accept-loss", "--yes"}).err, Contains("name the buckets, or say --all"));
  CHECK_THAT(run({"--nonsense"}).err, Contains("brigade: ") && Contains("`brigade --help` says more"));
}

TEST_CASE("JSON of what is read to stdout is refused, for the bytes go there") {
  const auto ran = run({"get", "k", "--json", "--node", "http://127.0.0.1:1"});
  CHECK(ran.code == kUsage);
  CHECK_THAT(ran.err, Contains("-o"));
}

TEST_CASE("help and version go to stdout") {
  const auto help = run({"--help"});
  CHECK(help.code == kDone);
  CHECK_THAT(help.out, Contains("bootstrap") && Contains("serve") && Contains("Exit codes"));
  const auto version = run({"version"});
  CHECK(version.code == kDone);
  CHECK_THAT(version.out, Catch::StartsWith("brigade "));
  CHECK_THAT(run({"version", "--json"}).out, Catch::StartsWith("{\"version\""));
}

TEST_CASE("bootstrap prints the join token alone on the last line of stdout, and what to do next on stderr") {
  const test::TempDir dir;
  const auto data = dir / "n1";
  const auto ran = run({"bootstrap", "--data", data.c_str(), "--name", "n1", "--listen-client", "127.0.0.1:8080",
                        "--listen-peer", "127.0.0.1:8081"});
  CAPTURE(ran.err);
  CHECK(ran.code == kDone);
  CHECK_THAT(ran.out, Catch::StartsWith("brigade1."));
  CHECK(std::count(ran.out.begin(), ran.out.end(), '\n') == 1);
  CHECK_THAT(ran.err,
             Contains("brigade serve --data " + data) && Contains("brigade bootstrap --join http://127.0.0.1:8080"));
  CHECK(run({"token", "--data", data.c_str()}).out == ran.out);
  CHECK_THAT(run({"token", "--data", data.c_str(), "--json"}).out, Catch::StartsWith("{\"token\":\"brigade1."));

  const auto again = run({"bootstrap", "--data", data.c_str(), "--name", "n1"});
  CHECK(again.code == kFailed);
  CHECK(again.out.empty());
}

TEST_CASE("settings of a new cluster can be given one after the other") {
  const test::TempDir dir;
  const auto data = dir / "n1";
  const auto ran = run({"bootstrap", "--data", data.c_str(), "--set", "lease=1s", "--set", "failure_timeout=2s",
                        "--name", "n1", "--listen-client", "127.0.0.1:8080", "--listen-peer", "127.0.0.1:8081"});
  CAPTURE(ran.err);
  CHECK(ran.code == kDone);
}

TEST_CASE("redundancy 1 by default allows redundancy 1") {
  const auto settings = settings_from({}, 1);
  REQUIRE(settings);
  CHECK(settings->at("min_redundancy") == "1");
  CHECK_FALSE(settings_from({"lease"}, std::nullopt));
  CHECK_FALSE(settings_from({"redundancy=2"}, 4));
  CHECK_FALSE(settings_from({"lease=1ms"}, std::nullopt));
}

TEST_CASE("joining is refused before anything is made when token or URL is wrong") {
  const test::TempDir dir;
  const auto data = dir / "n2";
  const auto join = [&](const char* url, const char* token) {
    return run({"bootstrap", "--join", url, "--token", token, "--data", data.c_str(), "--name", "n2"});
  };
  const auto not_a_token = join("http://127.0.0.1:1", "hello");
  CHECK(not_a_token.code == kUsage);
  CHECK_THAT(not_a_token.err, Contains("not a join token"));
  node::JoinToken token;
  token.cluster = ClusterId{7};
  const auto nobody = join("http://127.0.0.1:1", node::to_text(token).c_str());
  CHECK(nobody.code == kFailed);
  CHECK_THAT(nobody.err, Contains("no node answers"));
  CHECK(join("https://127.0.0.1:1", node::to_text(token).c_str()).code == kUsage);
  CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE("a command that there is not is named, with the nearest one") {
  CHECK(run({"bootstarp", "--data", "d"}).err ==
        "brigade: there is no command bootstarp: did you mean bootstrap? `brigade --help` lists them\n");
  CHECK(run({"frobnicate"}).err == "brigade: there is no command frobnicate: `brigade --help` lists them\n");
  CHECK(run({}).err.find("bootstrap") != std::string::npos);
}

TEST_CASE("a change without a secret is a usage error that says how to sign it") {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"settings", "lease=1s"}, {"scrub", "--wait"}}) {
    auto words = arguments;
    words.insert(words.end(), {"--node", "http://127.0.0.1:1"});
    const auto ran = run(words);
    CHECK(ran.code == kUsage);
    CHECK_THAT(ran.err, Contains("--data") && Contains("--token"));
  }
}

TEST_CASE("a command whose node is not there fails and says what to do") {
  const auto ran = run({"status", "--node", "http://127.0.0.1:1"});
  CHECK(ran.code == kFailed);
  CHECK_THAT(ran.err, Contains("brigade serve"));
}

}  // namespace brigade::cli
