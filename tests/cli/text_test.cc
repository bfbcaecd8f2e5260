#include "text.h"

#include "media_type.h"
#include "progress.h"
#include "retry.h"

#include <catch2/catch.hpp>

namespace brigade::cli {

TEST_CASE("sizes are told in the largest unit that keeps a digit before the point") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1023 B");
  CHECK(human_bytes(1024) == "1.0 KiB");
  CHECK(human_bytes(1536) == "1.5 KiB");
  CHECK(human_bytes(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(human_bytes(std::uint64_t{5} << 40) == "5.0 TiB");
  CHECK(human_bytes(~std::uint64_t{0}) == "16.0 EiB");
}

TEST_CASE("counts have their plural") {
  CHECK(counted(0, "file") == "0 files");
  CHECK(counted(1, "file") == "1 file");
  CHECK(counted(2, "copy", "copies") == "2 copies");
}

TEST_CASE("a table's columns are as wide as their widest cell") {
  Table table({{"NAME"}, {"SIZE", Table::Align::kRight}, {"X"}});
  table.row({"a", "10000", ""});
  table.row({"longer", "1", "y"});
  CHECK(table.text() ==
        "NAME     SIZE  X\n"
        "a       10000\n"
        "longer      1  y\n");
}

TEST_CASE("a table counts letters, not bytes") {
  Table table({{"N"}, {"K"}});
  table.row({"\xc3\xa4\xc3\xb6", "1"});
  table.row({"abc", "2"});
  CHECK(table.text() == "N    K\n\xc3\xa4\xc3\xb6   1\nabc  2\n");
}

TEST_CASE("content types are guessed from extensions, in any case") {
  CHECK(media_type_of("a/b.JPG") == "image/jpeg");
  CHECK(media_type_of("x.tar.flac") == "audio/flac");
  CHECK(media_type_of("x.zip") == "application/zip");
  CHECK(media_type_of("x.aac") == "audio/aac");
  CHECK(media_type_of("x.unheard") == "application/octet-stream");
  CHECK(media_type_of("folder.png/file") == "application/octet-stream");
  CHECK(media_type_of(".png") == "application/octet-stream");
  CHECK(media_type_of("") == "application/octet-stream");
}

TEST_CASE("a progress line tells files, bytes, rate and failures") {
  const ProgressState state{66, 200, 2, std::uint64_t{10} << 20, std::uint64_t{40} << 20};
  CHECK(progress_line(state, std::chrono::seconds{2}) ==
        "[######------------------]  25 %  64 of 200 files, 10.0 MiB of 40.0 MiB, 2 failed, 5.0 MiB/s");
  CHECK(progress_line({}, std::chrono::seconds{0}) == "[########################] 100 %  0 of 0 files");
  ProgressState removals;
  removals.files_done = 1;
  removals.files = 4;
  removals.what = "object";
  CHECK(progress_line(removals, std::chrono::seconds{2}) == "[######------------------]  25 %  1 of 4 objects");
  removals.failed = 1;
  CHECK(progress_text(removals) == "0 of 4 objects, 1 failed");
}

TEST_CASE("only what may pass is tried again, and not for ever") {
  using std::chrono::milliseconds;
  CHECK(retry_delay(1, 503, "1") == milliseconds{1000});
  CHECK(retry_delay(1, 503, "0") == milliseconds{100});
  CHECK(retry_delay(1, 503, "86400") == milliseconds{5000});
  CHECK(retry_delay(1, 503, "Fri, 31 Dec 1999 23:59:59 GMT") == milliseconds{200});
  CHECK(retry_delay(2, 503, std::nullopt) == milliseconds{400});
  CHECK_FALSE(retry_delay(kAttemptsMax, 503, "1"));
  CHECK_FALSE(retry_delay(1, 507, "1"));
  CHECK_FALSE(retry_delay(1, 400, std::nullopt));
  CHECK(retry_delay(1, Errc::kClosed));
  CHECK(retry_delay(1, Errc::kTimeout));
  CHECK_FALSE(retry_delay(1, Errc::kUnavailable));
  CHECK_FALSE(retry_delay(1, Errc::kIo));
  CHECK_FALSE(retry_delay(kAttemptsMax, Errc::kClosed));
}

TEST_CASE("slips of the pen are counted") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "get") == 3);
  CHECK(edit_distance("status", "status") == 0);
  CHECK(edit_distance("stauts", "status") == 1);
  CHECK(edit_distance("statu", "status") == 1);
  CHECK(edit_distance("node", "nodes") == 1);
  CHECK(edit_distance("lgo", "log") == 1);
  CHECK(edit_distance("put", "get") == 2);
}

}  // namespace brigade::cli
