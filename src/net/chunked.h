// The chunked transfer coding.  Source: RFC 9112 §7.1; testing "HTTP is an attack surface".
// Concept: decodes bytes as they come. Stricter than the RFC allows: lines end in CR LF, sizes have at most 15 digits,
//          extensions and trailers are dropped and bounded, so that nobody can hide a request or keep us busy in them.
// Thread:  one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "brigade/base/result.h"

namespace brigade::net {

class ChunkDecoder {
 public:
  static constexpr std::size_t kExtensionBytesMax = 4096;  ///< of a whole body
  static constexpr std::size_t kTrailerBytesMax = 8192;

  struct Step {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  /// Takes bytes of `in`, writes body bytes to `out`, stops when either is used up or the body is over.
  /// Errors: kInvalid, for good.
  Result<Step> decode(std::string_view in, std::span<std::byte> out);
  /// True once the last chunk and the trailer have been taken.
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  /// Body bytes that follow without framing in between; they may be taken by hand, see skip().
  [[nodiscard]] std::uint64_t run() const { return state_ == State::kData ? left_ : 0; }
  /// `count` body bytes were taken by hand. Requires count <= run().
  void skip(std::uint64_t count);

 private:
  enum class State : std::uint8_t { kSize, kExtension, kSizeLf, kData, kDataCr, kDataLf, kTrailer, kTrailerLf, kDone };
  Status framing(char c);
  State state_ = State::kSize;
  unsigned digits_ = 0;
  bool line_empty_ = true;  ///< of the trailer line under way
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

/// "SIZE CRLF" that goes before a chunk, without allocation. Valid while this lives.
class ChunkHead {
 public:
  explicit ChunkHead(std::uint64_t size);
  [[nodiscard]] std::string_view text() const { return {text_.data() + begin_, text_.size() - begin_}; }

 private:
  std::array<char, 18> text_{};
  std::size_t begin_ = 0;
};
inline constexpr std::string_view kChunkTail = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace brigade::net
