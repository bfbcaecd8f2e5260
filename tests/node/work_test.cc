#include "work.h"

#include "object_response.h"

#include <set>
#include <string_view>

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"
#include "brigade/store/segment_store.h"

namespace brigade::node {
namespace {

const std::uint64_t kSmallBytes = store::SegmentStoreOptions{}.small_bytes_max;

Config smallest() {
  Config config;
  config.writes_max = 1;
  config.request_memory = Config::kRequestMemoryMin;
  return config;
}

TEST_CASE("all kinds of work together may hold what brigade.toml says") {
  std::uint64_t bytes = 0;
  for (const Work work : kAllWork) bytes += room_of(work, Config{}).bytes;
  CHECK(bytes == Config{}.request_memory);
}

TEST_CASE("every kind has a name of its own and room for its largest request at the lowest values") {
  const Config config = smallest();
  const std::uint64_t upload = upload_bytes(net::BodyFraming::chunked(), config);
  store::IndexEntry largest;
  largest.size = limits::kObjectBytesMax;
  store::IndexEntry small;
  small.size = kSmallBytes;
  std::set<std::string_view> names;
  for (const Work work : kAllWork) {
    CAPTURE(name_of(work));
    names.insert(name_of(work));
    const Admission::Room room = room_of(work, config);
    CHECK(room.places >= 1);
    CHECK(room.bytes >= upload);
    CHECK(room.bytes >= read_bytes(largest, config));
    CHECK(room.bytes >= read_bytes(small, config));
    CHECK(room.bytes >= read_bytes(std::nullopt, config));
  }
  CHECK(names.size() == kAllWork.size());
}

TEST_CASE("an upload counts as what may be held of it: all of a small one, buffers of one that goes to its file") {
  const Config config;
  const std::uint64_t none = upload_bytes(net::BodyFraming::none(), config);
  CHECK(none > 0);
  CHECK(upload_bytes(net::BodyFraming::of_length(70'000), config) == none + 70'000);
  CHECK(upload_bytes(net::BodyFraming::of_length(limits::kObjectBytesMax), config) == none + 2 * kBufferBytes);
  CHECK(upload_bytes(net::BodyFraming::chunked(), config) > none + kSmallBytes);
}

}  // namespace
}  // namespace brigade::node
