#include "drawn_id.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <sys/random.h>

#include "brigade/base/check.h"
#include "brigade/base/ids.h"

namespace brigade::node {

void draw(void* bytes, std::size_t size) {
  // Up to 256 bytes come whole, or not at all when a signal arrives before the pool is ready.
  ssize_t got = 0;
  do {
    got = ::getrandom(bytes, size, 0);
  } while (got < 0 && errno == EINTR);
  BRIGADE_CHECK(got == static_cast<ssize_t>(size), "getrandom: " << std::strerror(errno));
}

std::uint64_t draw_id() {
  std::uint64_t id = 0;
  while (id == 0) draw(&id, sizeof id);
  return id;
}

std::string hex64(std::uint64_t value) {
  return to_string(ClusterId{value});
}

std::optional<std::uint64_t> parse_hex64(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace brigade::node
