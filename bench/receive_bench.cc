// How quickly HTTP alone takes bodies in: the server of a node, whose handler reads them and drops them.
//   bench_receive     prints http://host:port, and answers every request with 201 until it is killed
// bench/put.py compares PUTs with it: what a node can't do quicker on this core, whatever its store does.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "brigade/net/http_server.h"

namespace brigade::net {
namespace {

asio::awaitable<void> drop(Request& request, Response& response) {
  std::vector<std::byte> buffer(std::size_t{64} << 10);
  while (true) {
    const auto count = co_await request.read_some(buffer);
    if (!count) co_return;
    if (*count == 0) break;
  }
  ResponseHead head(201);
  head.fields.add("ETag", "\"0\"");
  (void)co_await response.send(std::move(head), {});
}

int run() {
  asio::io_context io{1};
  const auto server = HttpServer::start(io.get_executor(), {}, drop);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().detail().c_str());
    return 1;
  }
  std::printf("http://%s\n", (*server)->address().c_str());
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace
}  // namespace brigade::net

int main() {
  return brigade::net::run();
}
