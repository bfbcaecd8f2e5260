#include "api_client.h"

#include <catch2/catch.hpp>

namespace brigade::cli {
namespace {

using Catch::Contains;

Answer problem(int status, const std::string& body, const std::string& type = "application/problem+json") {
  Answer answer;
  answer.status = status;
  answer.fields.add("Content-Type", type);
  answer.body = body;
  return answer;
}

}  // namespace

TEST_CASE("a node's URL gives its address") {
  CHECK(node_address("http://10.0.0.7:8080").value() == "10.0.0.7:8080");
  CHECK(node_address("http://10.0.0.7:8080/").value() == "10.0.0.7:8080");
  CHECK(node_address("n1.example:80").value() == "n1.example:80");
  CHECK(node_address("http://n1").value() == "n1:80");
  CHECK(node_address("http://[fd00::7]:8080").value() == "[fd00::7]:8080");
  CHECK(node_address("http://[fd00::7]").value() == "[fd00::7]:80");
}

TEST_CASE("what is no node's URL is refused with an example") {
  for (const char* url : {"", "http://", "http://a:0", "http://a:65536", "http://a:x", "http://a:", "http://:80",
                          "http://a/b", "ftp://a", "http://u@a:80", "http://a:123456"}) {
    CAPTURE(url);
    const auto address = node_address(url);
    REQUIRE_FALSE(address);
    CHECK(address.error().code() == Errc::kInvalid);
    CHECK_THAT(address.error().detail(), Contains("http://HOST:PORT"));
  }
  CHECK_THAT(node_address("https://a:443").error().detail(), Contains("plain HTTP"));
}

TEST_CASE("a problem answer keeps its code and its detail") {
  const auto error =
      problem_of(problem(503, R"({"type":"/problems/no-quorum","title":"No quorum","detail":"2 of 5 nodes"})"));
  CHECK(error.code() == Errc::kNoQuorum);
  CHECK(error.detail() == "2 of 5 nodes");
  CHECK(problem_of(problem(404, R"({"title":"Not found"})")).detail() == "Not found");
  CHECK(problem_of(problem(404, R"({"title":"Not found"})")).code() == Errc::kNotFound);
}

TEST_CASE("an answer that is no problem JSON still tells its status") {
  for (const auto& answer : {problem(502, "<html>", "text/html"), problem(502, "{", "application/json"),
                             problem(502, "[]"), problem(502, "")})
    CHECK_THAT(problem_of(answer).detail(), Contains("502"));
}

TEST_CASE("a node that can't be reached gives an error that says what to do") {
  // Port 1 of this machine: nothing listens there.
  const auto answer = ApiClient("127.0.0.1:1").get_json("/cluster");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == Errc::kUnavailable);
  CHECK_THAT(answer.error().detail(),
             Contains("http://127.0.0.1:1") && Contains("brigade serve") && Contains("BRIGADE_NODE"));
}

}  // namespace brigade::cli
