// Whatever stands in a journal's rows, even under right checksums: it is refused, or the log is without a gap from the
// snapshot on, the commit position lies within it, and nothing comes from a row whose checksum is wrong.
// The input: rows, each a kind, three numbers and a payload behind its length in two bytes. Checksums are made right,
// but for kinds above 127.
#include "../../src/wire/little_endian.h"
#include "fuzz_input.h"
#include "journal_rows.h"

#include <algorithm>
#include <map>

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"
#include "brigade/wire/codec.h"

namespace {

using namespace brigade;
using store::Database;

/// As proto/README.md, "Journal", says it.
class Sum {
 public:
  explicit Sum(std::string_view table) { text(table); }
  Sum& number(std::uint64_t value) {
    wire::put(bytes_, value);
    return *this;
  }
  Sum& text(std::string_view text) { return blob(std::as_bytes(std::span(text))); }
  Sum& blob(std::span<const std::byte> blob) {
    number(blob.size());
    bytes_.insert(bytes_.end(), blob.begin(), blob.end());
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return checksum(std::span<const std::byte>(bytes_)); }

 private:
  wire::Bytes bytes_;
};

struct Row {
  std::uint8_t kind = 0;
  std::uint64_t a = 0, b = 0, c = 0;
  std::span<const std::byte> payload;
  [[nodiscard]] bool is_right() const { return kind < 128; }
};

void must(const Status& status) {
  BRIGADE_CHECK(status.has_value(), status.error().detail());
}

template <class... Columns>
void insert(Database& database, std::string_view sql, Columns... columns) {
  auto statement = database.prepare(sql);
  BRIGADE_CHECK(statement.has_value(), sql);
  (statement->bind(columns), ...);
  must(statement->run());
}

void put_meta(Database& database, const Row& row, std::string_view key) {
  wire::Bytes value;
  wire::put(value, row.a);
  if (key == "promised") wire::put(value, row.b);
  // Any length, too.
  value.insert(value.end(), row.payload.begin(), row.payload.end());
  const std::uint64_t sum = Sum("meta").text(key).blob(value).value() + (row.is_right() ? 0 : 1);
  insert(database, "INSERT OR REPLACE INTO meta VALUES(?, ?, ?)", key, std::span<const std::byte>(value), sum);
}

void put_row(Database& database, const Row& row) {
  const std::uint64_t wrong = row.is_right() ? 0 : 1;
  switch (row.kind & 7) {
    case 0:
      return put_meta(database, row, "commit");
    case 1:
      return put_meta(database, row, "damaged_until");
    case 2:
      return put_meta(database, row, "promised");
    case 3: {
      wire::Bytes framed{std::byte{'B'}, std::byte{'R'}, std::byte{'S'}, std::byte{'N'}};
      wire::put(framed, wire::kProtocolVersion);
      wire::put(framed, static_cast<std::uint64_t>(row.payload.size()));
      framed.insert(framed.end(), row.payload.begin(), row.payload.end());
      wire::put(framed, checksum(std::span<const std::byte>(framed)));
      const std::uint64_t sum = Sum("snapshot").blob(framed).value() + wrong;
      return insert(database, "INSERT OR REPLACE INTO snapshot VALUES(1, ?, ?)", std::span<const std::byte>(framed),
                    sum);
    }
    default: {
      const std::uint64_t sum = Sum("log").number(row.a).number(row.b).number(row.c).blob(row.payload).value() + wrong;
      return insert(database, "INSERT OR REPLACE INTO log VALUES(?, ?, ?, ?, ?)", row.a, row.b, row.c, row.payload,
                    sum);
    }
  }
}

Database& fresh() {
  static Database database = [] {
    auto opened = Database::open(":memory:", Database::Mode::kCreate);
    BRIGADE_CHECK(opened.has_value(), opened.error().detail());
    must(store::make_journal_tables(*opened, wire::kProtocolVersion));
    return std::move(*opened);
  }();
  must(database.execute("DELETE FROM meta; DELETE FROM log; DELETE FROM snapshot"));
  must(store::put_identity(database, {ClusterId{0xc1}, NodeId{1}, StoreId{2}}));
  must(store::put_incarnation(database, Incarnation{3}));
  must(store::put_promise(database, Epoch{4, NodeId{1}}));
  must(store::put_commit(database, Seq{}));
  return database;
}

void check(const store::JournalContents& contents, const std::map<std::uint64_t, Row>& log) {
  const store::JournalState& state = contents.state;
  Seq last = state.snapshot ? state.snapshot->last.seq : Seq{};
  BRIGADE_CHECK(state.commit >= last, "commit " << to_string(state.commit) << " below the snapshot");
  for (const wire::LogEntry& entry : state.log) {
    BRIGADE_CHECK(entry.seq == next(last), "a gap before " << to_string(entry.seq));
    last = entry.seq;
    const auto row = log.find(entry.seq.value);
    BRIGADE_CHECK(row != log.end() && row->second.is_right(), "an entry from nowhere, or from a damaged row");
    BRIGADE_CHECK(entry.epoch.counter == row->second.b && entry.epoch.coordinator.value == row->second.c,
                  "another epoch");
    const auto change = wire::decode_change(row->second.payload);
    BRIGADE_CHECK(change && *change == entry.change, "another change");
  }
  BRIGADE_CHECK(state.commit <= last, "commit " << to_string(state.commit) << " above " << to_string(last));
  BRIGADE_CHECK(state.damaged == contents.damaged_until.has_value(), "damaged or not");
  const bool cut = std::ranges::any_of(log, [&](const auto& row) { return row.first > last.value; });
  BRIGADE_CHECK(!cut || (state.damaged && contents.cut_from), "rows that vanish silently");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kRowBytes = 1 + 3 * 8 + 2;
  auto input = fuzz::bytes(data, size);
  Database& database = fresh();
  std::map<std::uint64_t, Row> log;
  while (input.size() >= kRowBytes) {
    Row row;
    row.kind = std::to_integer<std::uint8_t>(input[0]);
    row.a = wire::get<std::uint64_t>(input, 1);
    row.b = wire::get<std::uint64_t>(input, 9);
    row.c = wire::get<std::uint64_t>(input, 17);
    const std::size_t length = std::min<std::size_t>(wire::get<std::uint16_t>(input, 25), input.size() - kRowBytes);
    row.payload = input.subspan(kRowBytes, length);
    input = input.subspan(kRowBytes + length);
    put_row(database, row);
    if ((row.kind & 7) > 3) log[row.a] = row;
  }
  const auto contents = store::read_journal(database, wire::kProtocolVersion);
  if (contents) check(*contents, log);
  return 0;
}
