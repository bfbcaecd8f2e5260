#include "chunked.h"

#include "text.h"

#include <algorithm>
#include <cstring>

#include "brigade/base/check.h"

namespace brigade::net {

Result<ChunkDecoder::Step> ChunkDecoder::decode(std::string_view in, std::span<std::byte> out) {
  Step step;
  while (step.consumed < in.size() && !done()) {
    if (state_ == State::kData) {
      const std::size_t count = static_cast<std::size_t>(
          std::min<std::uint64_t>({left_, in.size() - step.consumed, out.size() - step.produced}));
      if (count == 0) break;
      std::memcpy(out.data() + step.produced, in.data() + step.consumed, count);
      step.consumed += count;
      step.produced += count;
      skip(count);
      continue;
    }
    if (auto s = framing(in[step.consumed]); !s) return s.error();
    ++step.consumed;
  }
  return step;
}

Status ChunkDecoder::framing(char c) {
  const Error bad(Errc::kInvalid, "the chunked body is malformed");
  switch (state_) {
    case State::kSize:
      if (const int value = hex_value(c); value >= 0) {
        if (++digits_ > 15) return bad;
        left_ = left_ * 16 + static_cast<unsigned>(value);
      } else if (digits_ == 0) {
        return bad;
      } else if (c == '\r') {
        state_ = State::kSizeLf;
      } else if (c == ';') {
        state_ = State::kExtension;
      } else {
        return bad;
      }
      return {};
    case State::kExtension:
      if (c == '\r') {
        state_ = State::kSizeLf;
      } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f ||
                 ++extension_bytes_ > kExtensionBytesMax) {
        return bad;
      }
      return {};
    case State::kSizeLf:
      if (c != '\n') return bad;
      digits_ = 0;
      state_ = left_ == 0 ? State::kTrailer : State::kData;
      return {};
    case State::kDataCr:
      if (c != '\r') return bad;
      state_ = State::kDataLf;
      return {};
    case State::kDataLf:
      if (c != '\n') return bad;
      state_ = State::kSize;
      return {};
    case State::kTrailer:
      if (++trailer_bytes_ > kTrailerBytesMax) return bad;
      if (c == '\r') {
        state_ = State::kTrailerLf;
      } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
        return bad;
      } else {
        line_empty_ = false;
      }
      return {};
    case State::kTrailerLf:
      if (c != '\n') return bad;
      state_ = line_empty_ ? State::kDone : State::kTrailer;
      line_empty_ = true;
      return {};
    case State::kData:
    case State::kDone:
      break;
  }
  BRIGADE_CHECK(false, "framing byte in state " << static_cast<int>(state_));
  return bad;
}

void ChunkDecoder::skip(std::uint64_t count) {
  BRIGADE_CHECK(count <= run(), count << " of " << run());
  left_ -= count;
  if (left_ == 0) state_ = State::kDataCr;
}

ChunkHead::ChunkHead(std::uint64_t size) {
  begin_ = text_.size();
  text_[--begin_] = '\n';
  text_[--begin_] = '\r';
  do {
    text_[--begin_] = "0123456789abcdef"[size & 15U];
    size >>= 4;
  } while (size > 0);
}

}  // namespace brigade::net
