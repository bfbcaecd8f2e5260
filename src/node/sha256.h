// SHA-256 of a stream that arrives in pieces.
// Thread:  one owner at a time.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include <openssl/evp.h>

#include "brigade/base/check.h"

namespace brigade::node {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    BRIGADE_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1, "no SHA-256");
  }
  ~Sha256() { EVP_MD_CTX_free(context_); }
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::span<const std::byte> bytes) {
    BRIGADE_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1, "SHA-256 failed");
  }
  /// Ends the stream.
  [[nodiscard]] std::array<std::byte, 32> end() {
    std::array<std::byte, 32> result{};
    BRIGADE_CHECK(EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(result.data()), nullptr) == 1,
                  "SHA-256 failed");
    return result;
  }

 private:
  EVP_MD_CTX* context_;
};

}  // namespace brigade::node
