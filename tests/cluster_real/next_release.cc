// The node as the next release would run it: it speaks one more protocol version, which is made up.
//   next_release serve --data DIR
#include <cstdio>
#include <cstring>

#include "brigade/node/serve.h"

int main(int argc, char** argv) {
  if (argc != 4 || std::strcmp(argv[1], "serve") != 0 || std::strcmp(argv[2], "--data") != 0) {
    std::fputs("usage: next_release serve --data DIR\n", stderr);
    return 2;
  }
  brigade::node::ServeOptions options;
  options.data_dir = argv[3];
  ++options.speaks;
  return brigade::node::serve(options);
}
