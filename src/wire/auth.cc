#include "brigade/wire/auth.h"

#include <utility>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "brigade/base/check.h"

namespace brigade::wire {

namespace {

struct ContextDeleter {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MAC_CTX, ContextDeleter>;

Context keyed_context(std::span<const std::byte> key) {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  BRIGADE_CHECK(hmac != nullptr, "OpenSSL has no HMAC: its default provider is missing");
  Context context(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);  // the context holds a reference of its own
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  const bool keyed = context && EVP_MAC_init(context.get(), reinterpret_cast<const unsigned char*>(key.data()),
                                             key.size(), parameters) == 1;
  BRIGADE_CHECK(keyed, "OpenSSL can't set up HMAC-SHA-256");
  return context;
}

/// Leaves `keyed` as it is: the key schedule in it is copied, not computed again.
Mac mac_of(const EVP_MAC_CTX* keyed, std::span<const std::byte> bytes) {
  Context context(EVP_MAC_CTX_dup(keyed));
  Mac mac{};
  std::size_t size = 0;
  const bool done =
      context &&
      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1 &&
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(mac.data()), &size, mac.size()) == 1;
  BRIGADE_CHECK(done && size == mac.size(), "OpenSSL can't compute an HMAC");
  return mac;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<ClusterSecret> ClusterSecret::parse(std::string_view hex) {
  // The text itself must not get into an error: errors are logged.
  const Error invalid(Errc::kInvalid, "a cluster secret is 64 hex digits; copy DIR/secret from another node");
  if (!hex.empty() && hex.back() == '\n') hex.remove_suffix(1);
  ClusterSecret secret;
  if (hex.size() != 2 * secret.bytes.size()) return invalid;
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return invalid;
    secret.bytes[i] = static_cast<std::byte>(high << 4 | low);
  }
  return secret;
}

std::string ClusterSecret::hex() const {
  std::string out;
  for (std::byte byte : bytes) {
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    out += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return out;
}

struct Authenticator::State {
  Context keyed;
};

Authenticator::Authenticator(const ClusterSecret& secret, std::string_view purpose) {
  const Context root = keyed_context(secret.bytes);
  Mac key = mac_of(root.get(), std::as_bytes(std::span(purpose.data(), purpose.size())));
  state_ = std::make_unique<State>(State{keyed_context(key)});
  OPENSSL_cleanse(key.data(), key.size());
}

Authenticator::~Authenticator() = default;
Authenticator::Authenticator(Authenticator&&) noexcept = default;
Authenticator& Authenticator::operator=(Authenticator&&) noexcept = default;

Mac Authenticator::mac(std::span<const std::byte> bytes) const {
  return mac_of(state_->keyed.get(), bytes);
}

Mac Authenticator::mac(std::string_view bytes) const {
  return mac(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

bool Authenticator::verify(std::span<const std::byte> bytes, std::span<const std::byte> mac) const {
  if (mac.size() < kMacBytes || mac.size() > sizeof(Mac)) return false;
  const Mac expected = this->mac(bytes);
  return CRYPTO_memcmp(expected.data(), mac.data(), mac.size()) == 0;
}

}  // namespace brigade::wire
