// A node as the command line sees it: an HTTP server in a thread, answering what the test says.
#pragma once

#include "api_client.h"

#include <functional>
#include <memory>
#include <string>

#include "brigade/net/http.h"

namespace brigade::test {

class FakeNode {
 public:
  /// Called for each request, whole, one at a time in the server's thread.
  using Reply = std::function<cli::Answer(const net::RequestHead& request, const std::string& body)>;

  explicit FakeNode(Reply reply);
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;
  ~FakeNode();
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::string url() const { return "http://" + address(); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An answer with a body of JSON.
cli::Answer json_answer(int status, const std::string& body);

}  // namespace brigade::test
