#include "capnp_io.h"

#include "little_endian.h"

namespace brigade::wire {

namespace {

constexpr std::size_t kTableBytes = 8;

void append_segment(Bytes& out, kj::ArrayPtr<const capnp::word> segment) {
  const auto bytes = segment.asBytes();
  const auto* first = reinterpret_cast<const std::byte*>(bytes.begin());
  put(out, std::uint32_t{0});
  put(out, static_cast<std::uint32_t>(segment.size()));
  out.insert(out.end(), first, first + bytes.size());
}

}  // namespace

Bytes flatten(capnp::MallocMessageBuilder& builder) {
  Bytes out;
  auto segments = builder.getSegmentsForOutput();
  if (segments.size() == 1) {
    out.reserve(kTableBytes + segments[0].asBytes().size());
    append_segment(out, segments[0]);
    return out;
  }
  std::size_t words = 0;
  for (auto segment : segments) words += segment.size();
  capnp::MallocMessageBuilder whole(static_cast<unsigned>(words));
  whole.setRoot(builder.getRoot<capnp::AnyPointer>().asReader());
  out.reserve(kTableBytes + words * sizeof(capnp::word));
  append_segment(out, whole.getSegmentsForOutput()[0]);
  return out;
}

std::size_t flat_bytes(capnp::MallocMessageBuilder& builder) {
  auto segments = builder.getSegmentsForOutput();
  if (segments.size() == 1) return kTableBytes + segments[0].asBytes().size();
  // Far pointers between segments take room that the flat form does not.
  const auto content = builder.getRoot<capnp::AnyPointer>().targetSize().wordCount;
  return kTableBytes + (1 + content) * sizeof(capnp::word);
}

Result<std::vector<capnp::word>> aligned_words(std::span<const std::byte> bytes, const char* what) {
  const std::string prefix = std::string(what) + " of " + std::to_string(bytes.size()) + " bytes ";
  if (bytes.size() < 2 * kTableBytes || bytes.size() % sizeof(capnp::word) != 0)
    return Error(Errc::kInvalid, prefix + "is cut off: whole words and at least two are needed");
  if (get<std::uint32_t>(bytes, 0) != 0) return Error(Errc::kInvalid, prefix + "has more than one segment");
  if (kTableBytes + std::uint64_t{get<std::uint32_t>(bytes, 4)} * sizeof(capnp::word) != bytes.size())
    return Error(Errc::kInvalid, prefix + "does not have the length that its segment table names");
  // Input may lie anywhere; Cap'n Proto reads aligned words only.
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(static_cast<void*>(words.data()), bytes.data(), bytes.size());
  return words;
}

}  // namespace brigade::wire
