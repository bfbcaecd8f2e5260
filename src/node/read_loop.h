// A further event loop that serves reads.  Source: design §8 (fast by design: one loop for each core).
// Concept: a thread with listeners of its own at the node's two addresses, peer connections of its own, and no state
// that
//          it shares with others but what any thread may read: the map, the lease, the store. GET and HEAD of objects,
//          for clients and for other gateways, are served here. Anything else goes to the data plane's loop, with its
//          connection.
// Thread:  made, drained and destroyed by the data plane's thread; runs one of its own.
#pragma once

#include "loop_context.h"
#include "node_context.h"

#include <chrono>
#include <memory>
#include <thread>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http_client.h"
#include "brigade/net/http_server.h"

namespace brigade::node {

/// The data plane's servers, where the others' connections go. They outlive all read loops.
struct DataServers {
  net::HttpServer& client;
  net::HttpServer& peer;
};

class ReadLoop {
 public:
  /// Listens where `servers` do, with their options, and starts the thread. `data` outlives it, and counts it in.
  static Result<std::unique_ptr<ReadLoop>> start(NodeContext& data, DataServers servers,
                                                 const net::ServerOptions& client, const net::ServerOptions& peer,
                                                 const net::ClientOptions& peers);
  /// Ends the thread; connections that are left are cut.
  ~ReadLoop();
  ReadLoop(const ReadLoop&) = delete;
  ReadLoop& operator=(const ReadLoop&) = delete;

  /// As HttpServer::drain. By the data plane's executor.
  asio::awaitable<void> drain_clients(std::chrono::milliseconds deadline);
  asio::awaitable<void> drain_peers(std::chrono::milliseconds deadline);

 private:
  ReadLoop(NodeContext& data, const net::ClientOptions& peers);
  Status listen(DataServers servers, net::ServerOptions client, net::ServerOptions peer);

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<net::HttpClient> peers_;
  LoopContext context_;
  std::unique_ptr<net::HttpServer> client_server_;
  std::unique_ptr<net::HttpServer> peer_server_;
  std::thread thread_;
};

}  // namespace brigade::node
