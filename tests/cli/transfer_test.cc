// put and get against a node that answers as it is told.
#include "download.h"
#include "fake_node.h"
#include "open_file.h"
#include "retry.h"
#include "temp_dir.h"
#include "upload.h"

#include <map>
#include <mutex>

#include <catch2/catch.hpp>

namespace brigade::cli {
namespace {

using test::FakeNode;
using test::json_answer;
using test::TempDir;

Answer created() {
  Answer answer;
  answer.status = 201;
  answer.fields.add("Brigade-Revision", "1.1");
  return answer;
}

Answer try_again() {
  auto answer = json_answer(503, R"({"type":"/problems/no-quorum","detail":"2 of 5 nodes"})");
  answer.fields.add("Retry-After", "0");
  return answer;
}

FileToPut file_in(const TempDir& dir, const std::string& name, const std::string& content) {
  test::write_file(dir / name, content);
  return {dir / name, name, content.size()};
}

UploadOptions to(const FakeNode& node) {
  UploadOptions options;
  options.address = node.address();
  return options;
}

const UploadProgress kQuiet = [](std::int64_t, const Upload*) {};

Result<net::ResponseHead> get_to_file(const FakeNode& node, const std::string& key, const std::string& path) {
  const OpenFile file(path, O_WRONLY | O_CREAT | O_TRUNC);
  return download(node.address(), key, file.fd());
}

}  // namespace

TEST_CASE("files arrive whole, under their keys, with type and redundancy, and progress adds up") {
  const TempDir dir;
  std::map<std::string, std::string> stored;
  std::map<std::string, std::string> types;
  FakeNode node([&](const net::RequestHead& request, const std::string& body) {
    stored[request.method + " " + request.target] = body;
    types[request.target] = std::string(request.fields.find("Content-Type").value_or("")) + " " +
                            std::string(request.fields.find("Brigade-Redundancy").value_or("-"));
    return created();
  });
  std::string large(1'000'003, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 % 251);
  const std::vector<FileToPut> files = {file_in(dir, "a b.jpg", "photo"), file_in(dir, "empty.txt", ""),
                                        file_in(dir, "large.flac", large)};
  auto options = to(node);
  options.redundancy = 4;
  std::int64_t bytes = 0;
  int done = 0;
  const auto uploads = upload_all(options, files, [&](std::int64_t more, const Upload* upload) {
    bytes += more;
    done += upload != nullptr ? 1 : 0;
  });
  REQUIRE(uploads.size() == 3);
  for (const auto& upload : uploads) {
    CHECK_FALSE(upload.error);
    CHECK(upload.attempts == 1);
    CHECK(upload.receipt.find("Brigade-Revision") == "1.1");
  }
  CHECK(stored == std::map<std::string, std::string>{
                      {"PUT /o/a%20b.jpg", "photo"}, {"PUT /o/empty.txt", ""}, {"PUT /o/large.flac", large}});
  CHECK(types["/o/a%20b.jpg"] == "image/jpeg 4");
  CHECK(types["/o/large.flac"] == "audio/flac 4");
  CHECK(bytes == 5 + 1'000'003);
  CHECK(done == 3);
}

TEST_CASE("a put that meets no quorum is tried again, and progress is taken back meanwhile") {
  const TempDir dir;
  int calls = 0;
  FakeNode node([&](const net::RequestHead&, const std::string&) { return ++calls < 3 ? try_again() : created(); });
  std::int64_t bytes = 0;
  const auto uploads =
      upload_all(to(node), {file_in(dir, "a", "12345")}, [&](std::int64_t more, const Upload*) { bytes += more; });
  CHECK_FALSE(uploads.front().error);
  CHECK(uploads.front().attempts == 3);
  CHECK(bytes == 5);
}

TEST_CASE("a put gives up after a bounded number of attempts") {
  const TempDir dir;
  int calls = 0;
  FakeNode node([&](const net::RequestHead&, const std::string&) {
    ++calls;
    return try_again();
  });
  const auto uploads = upload_all(to(node), {file_in(dir, "a", "12345")}, kQuiet);
  REQUIRE(uploads.front().error);
  CHECK(uploads.front().error->code() == Errc::kNoQuorum);
  CHECK(uploads.front().error->detail() == "2 of 5 nodes");
  CHECK(calls == kAttemptsMax);
}

TEST_CASE("a file that fails does not stop the others") {
  const TempDir dir;
  FakeNode node([](const net::RequestHead& request, const std::string&) {
    return request.target == "/o/bad" ? json_answer(400, R"({"type":"/problems/invalid","detail":"no such key"})")
                                      : created();
  });
  std::vector<FileToPut> files = {file_in(dir, "bad", "1"), file_in(dir, "gone", "2"), file_in(dir, "good", "3")};
  std::filesystem::remove(files[1].path);
  const auto uploads = upload_all(to(node), files, kQuiet);
  CHECK(uploads[0].error->detail() == "no such key");
  CHECK(uploads[0].attempts == 1);
  CHECK(uploads[1].error->code() == Errc::kIo);
  CHECK_FALSE(uploads[2].error);
}

TEST_CASE("a file that shrinks while it is read is not stored short") {
  const TempDir dir;
  std::map<std::string, std::string> stored;
  FakeNode node([&](const net::RequestHead& request, const std::string& body) {
    stored[request.target] = body;
    return created();
  });
  auto file = file_in(dir, "a", "12345");
  file.size = 9;
  const auto uploads = upload_all(to(node), {file}, kQuiet);
  REQUIRE(uploads.front().error);
  CHECK_THAT(uploads.front().error->detail(), Catch::Contains("shrank"));
  CHECK(stored.empty());
}

TEST_CASE("get writes the body, after a redirect and after a 503") {
  const TempDir dir;
  FakeNode owner([](const net::RequestHead& request, const std::string&) {
    return json_answer(200, "body of " + request.target);
  });
  int calls = 0;
  FakeNode node([&](const net::RequestHead&, const std::string&) {
    if (++calls == 1) return try_again();
    Answer answer;
    answer.status = 307;
    answer.fields.add("Location", owner.url() + "/o/a%20b");
    return answer;
  });
  const auto head = get_to_file(node, "a b", dir / "out");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(test::read_file(dir / "out") == "body of /o/a%20b");
}

TEST_CASE("get tells what the node said, and follows no endless redirects") {
  const TempDir dir;
  FakeNode node([&](const net::RequestHead& request, const std::string&) {
    if (request.target == "/o/gone")
      return json_answer(404, R"({"type":"/problems/not-found","detail":"there is no such object"})");
    Answer answer;
    answer.status = 307;
    answer.fields.add("Location", "http://" + std::string(request.fields.find("Host").value_or("")) + request.target);
    return answer;
  });
  const auto gone = get_to_file(node, "gone", dir / "out");
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code() == Errc::kNotFound);
  CHECK(gone.error().detail() == "there is no such object");
  CHECK_FALSE(get_to_file(node, "circle", dir / "out"));
}

}  // namespace brigade::cli
