// Flat single-segment Cap'n Proto messages, in and out.  Source: proto/README.md "Cap'n Proto"; style "Errors".
// Concept: only *_codec.cc includes this. Its exceptions end here, and no input makes it read more than it was given:
//          the frame is checked before the library sees it, traversal and nesting are bounded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>

#include "brigade/base/bucket_set.h"
#include "brigade/base/result.h"
#include "brigade/wire/codec.h"

namespace brigade::wire {

/// The one segment that `builder` holds, or a copy of what it holds in one, behind the segment table.
Bytes flatten(capnp::MallocMessageBuilder& builder);
/// Size of flatten(builder).
std::size_t flat_bytes(capnp::MallocMessageBuilder& builder);

/// A builder whose first segment, large enough for any datagram, lies on the stack.
class SmallBuilder {
 public:
  SmallBuilder() : builder_(kj::arrayPtr(words_.data(), words_.size())) {}
  capnp::MallocMessageBuilder& operator*() { return builder_; }
  capnp::MallocMessageBuilder* operator->() { return &builder_; }

 private:
  std::array<capnp::word, kMessageBytesMax / sizeof(capnp::word)> words_{};
  capnp::MallocMessageBuilder builder_;
};

inline capnp::Text::Reader text(const std::string& s) {
  return {s.c_str(), s.size()};
}
inline std::string text(capnp::Text::Reader s) {
  return {s.begin(), s.size()};
}

/// "message", ...: what `bytes` are, for the error.
Result<std::vector<capnp::word>> aligned_words(std::span<const std::byte> bytes, const char* what);

/// What `read` makes of the root of the message in `bytes`: a function of Root::Reader that returns a Result.
template <class Root, class Read>
auto read_root(std::span<const std::byte> bytes, std::uint64_t traversal_words, const char* what, Read&& read)
    -> std::invoke_result_t<Read, typename Root::Reader> {
  auto words = aligned_words(bytes, what);
  if (!words) return words.error();
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = traversal_words;
    options.nestingLimit = 8;
    capnp::FlatArrayMessageReader reader(kj::arrayPtr(words->data(), words->size()), options);
    return read(reader.getRoot<Root>());
  } catch (const kj::Exception& e) {
    return Error(Errc::kInvalid, std::string(what) + " is not well-formed Cap'n Proto: " + e.getDescription().cStr());
  }
}

}  // namespace brigade::wire
