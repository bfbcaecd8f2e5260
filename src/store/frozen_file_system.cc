#include "frozen_file_system.h"

#include <utility>

namespace brigade::store {
namespace {

class FrozenFile final : public File {
 public:
  explicit FrozenFile(std::unique_ptr<File> real) : real_(std::move(real)) {}
  Status sync() override { return {}; }
  Status truncate(std::uint64_t /*bytes*/) override { return {}; }
  [[nodiscard]] Result<std::uint64_t> size() const override { return real_->size(); }

 private:
  Result<std::size_t> write_some(std::uint64_t /*offset*/,
                                 std::span<const std::span<const std::byte>> pieces) override {
    std::size_t bytes = 0;
    for (const auto& piece : pieces) bytes += piece.size();
    return bytes;
  }
  Result<std::size_t> read_some(std::uint64_t offset, std::span<std::byte> buffer) override {
    return real_->read(offset, buffer);
  }

  std::unique_ptr<File> real_;
};

}  // namespace

Result<std::unique_ptr<File>> FrozenFileSystem::open(const std::string& path, OpenMode mode) {
  if (mode == OpenMode::kCreate) return Error(Errc::kInvalid, path + " can't be made by who only looks");
  Result<std::unique_ptr<File>> file = real_.open(path, OpenMode::kRead);
  if (!file) return file;
  return std::unique_ptr<File>(std::make_unique<FrozenFile>(std::move(*file)));
}

Result<std::vector<std::string>> FrozenFileSystem::list(const std::string& path) {
  Result<std::vector<std::string>> names = real_.list(path);
  if (!names && names.error().code() == Errc::kNotFound) return std::vector<std::string>();
  return names;
}

}  // namespace brigade::store
