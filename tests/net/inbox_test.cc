#include "inbox.h"

#include <string>

#include <catch2/catch.hpp>

namespace brigade::net {
namespace {

std::size_t take(Inbox& inbox, std::string_view bytes) {
  const auto room = inbox.room();
  const std::size_t count = std::min(room.size(), bytes.size());
  std::copy_n(bytes.data(), count, static_cast<char*>(room.data()));
  inbox.filled(count);
  return count;
}

TEST_CASE("an inbox grows while reads fill it, keeps what is in it, and stops at its capacity") {
  std::string sent;
  for (int i = 0; i < 200; ++i) sent += std::to_string(i);
  Inbox inbox(10, 100);
  CHECK(inbox.room().size() == 10);
  std::size_t at = 0;
  while (!inbox.full()) {
    at += take(inbox, std::string_view(sent).substr(at));
    CHECK(inbox.view() == std::string_view(sent).substr(0, at));
  }
  CHECK(at == 100);
  CHECK(inbox.room().size() == 0);
  inbox.consume(30);
  CHECK(inbox.room().size() == 30);
  CHECK(inbox.view() == std::string_view(sent).substr(30, 70));
}

TEST_CASE("an inbox that reads do not fill stays as it is") {
  Inbox inbox(10, 100);
  for (int i = 0; i < 20; ++i) {
    CHECK(take(inbox, "123456789") == 9);
    inbox.consume(9);
  }
  CHECK(inbox.room().size() == 10);
}

TEST_CASE("an inbox that rests gives back what it has grown by, if it is empty") {
  Inbox inbox(10, 100);
  for (int i = 0; i < 3; ++i) take(inbox, std::string(100, 'x'));
  inbox.rest();
  REQUIRE(!inbox.empty());
  CHECK(inbox.view() == std::string(inbox.view().size(), 'x'));
  inbox.consume(inbox.view().size());
  inbox.rest();
  CHECK(inbox.room().size() == 10);
  CHECK(take(inbox, "again") == 5);
  CHECK(inbox.view() == "again");
  inbox.consume(5);
  CHECK(take(inbox, "ten bytes.") == 10);
  inbox.consume(10);
  inbox.rest();
  CHECK(inbox.room().size() == 10);
}

}  // namespace
}  // namespace brigade::net
