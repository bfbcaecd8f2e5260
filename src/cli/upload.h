// Puts many files into the cluster, several at a time.
// Concept: streams each file from disk; what is answered 503, or breaks off, is tried again a bounded number of times;
// a
//          failed file does not stop the others. A PUT is idempotent, so trying again is safe.
// Thread:  blocking; the report's callbacks run in the calling thread.
#pragma once

#include "file_set.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::cli {

struct UploadOptions {
  std::string address;                      ///< host:port of a node
  std::size_t parallel = 4;                 ///< files at a time, at least 1
  std::optional<std::uint32_t> redundancy;  ///< nothing: the cluster's
  std::uint64_t expires_in_seconds = 0;     ///< 0: never
  std::string content_type;                 ///< empty: guessed from each file's name
};

struct Upload {
  std::string path;
  std::string key;
  std::uint64_t size = 0;
  int attempts = 0;
  std::optional<Error> error;  ///< why it is not stored
  net::Fields receipt;         ///< of the answer that said that it is
};

/// Called when bytes were sent (`done` none; taken back, so negative, before another attempt), and once for each file.
using UploadProgress = std::function<void(std::int64_t bytes, const Upload* done)>;

/// One Upload for each file, in their order.
std::vector<Upload> upload_all(const UploadOptions& options, const std::vector<FileToPut>& files,
                               const UploadProgress& progress);

}  // namespace brigade::cli
