// One node's data plane on a store in memory, without a network: what the cluster says comes from a map of the test.
#pragma once

#include "fakes.h"
#include "node_context.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "brigade/net/http_client.h"
#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::node::testing {

/// Node 1 of a map; show() what was made of `maker`.
class LocalNode {
 public:
  LocalNode() {
    config_.naming_seed = 77;
    store_ = store::open_segment_store(files_, "/objects").value();
    peers_ = net::HttpClient::make(io_.get_executor(), {});
    control.show(maker);
    context_ = std::make_unique<NodeContext>(io_.get_executor(), config_, NodeId{1}, control, *store_, *peers_, disk_);
  }

  void show() { control.show(maker); }
  ObjectId put(const std::string& key, const store::CommitInfo& info) {
    const ObjectId id = id_of(key);
    auto staged = store_->stage(id, key, 3).value();
    REQUIRE(staged->write(std::as_bytes(std::span("abc", 3))));
    REQUIRE(staged->finish());
    REQUIRE(store_->commit(std::move(staged), info));
    return id;
  }
  ObjectId remove(const std::string& key, const store::CommitInfo& info) {
    const ObjectId id = id_of(key);
    REQUIRE(store_->remove(id, key, info));
    return id;
  }
  [[nodiscard]] ObjectId id_of(std::string_view key) const { return object_id(context_->naming, key); }
  NodeContext& context() { return *context_; }
  store::ObjectStore& store() { return *store_; }
  Config& config() { return config_; }

  void run(asio::awaitable<void> work) { run_to_end(io_, std::move(work)); }

  MapMaker maker;
  FakeControl control;

 private:
  asio::io_context io_;
  BlockingPool disk_{1};
  store::MemoryFileSystem files_;
  std::unique_ptr<store::ObjectStore> store_;
  std::unique_ptr<net::HttpClient> peers_;
  Config config_;
  std::unique_ptr<NodeContext> context_;
};

inline store::CommitInfo commit_info(std::uint64_t seq, WallTime modified, std::uint8_t level = 1) {
  store::CommitInfo info;
  info.revision = Revision::of(Seq{seq}, 1);
  info.modified = modified;
  info.content_type = "text/plain";
  info.level = level;
  return info;
}

}  // namespace brigade::node::testing
