#include "body_buffer.h"

#include <cstdint>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::store {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST_CASE("a buffer is as large as was asked for, not much larger, and aligned") {
  const auto pool = std::make_shared<BodyPool>();
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096}, std::size_t{4097}, std::size_t{65'537}, kMiB}) {
    CAPTURE(bytes);
    const BodyBuffer buffer = pool->take(bytes);
    CHECK(buffer.bytes().size() >= bytes);
    CHECK(buffer.bytes().size() <= bytes + bytes / 4 + 4096);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.bytes().data()) % 4096 == 0);
  }
}

TEST_CASE("a buffer that was given back comes again, also to whoever outlives its store") {
  auto pool = std::make_shared<BodyPool>();
  BodyBuffer first = pool->take(65'537);
  const std::byte* at = first.bytes().data();
  BodyBuffer second = pool->take(65'537);
  CHECK(second.bytes().data() != at);
  first = BodyBuffer();
  first = pool->take(65'000);
  CHECK(first.bytes().data() != at);  // of another size
  first = pool->take(65'537);
  CHECK(first.bytes().data() == at);
  pool.reset();
  first.bytes()[0] = std::byte{1};
}

TEST_CASE("a pool keeps a bounded part of what is given back, the smaller first") {
  const auto pool = std::make_shared<BodyPool>();
  const std::byte* small = nullptr;
  {
    std::vector<BodyBuffer> buffers;
    for (int i = 0; i < 40; ++i) buffers.push_back(pool->take(kMiB));
    buffers.push_back(pool->take(100));
    small = buffers.back().bytes().data();
  }
  CHECK(pool->take(100).bytes().data() == small);
  CHECK(pool->free_bytes() <= 16 * kMiB);
  CHECK(pool->free_bytes() > 14 * kMiB);
}

}  // namespace
}  // namespace brigade::store
