// Any bytes are refused, or are the one encoding of a set of buckets, which can be cut and put together again.
#include "fuzz_input.h"

#include "brigade/base/bucket_set.h"
#include "brigade/base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brigade;
  const std::string_view input = fuzz::text(data, size);
  const auto buckets = BucketSet::decode(input);
  if (!buckets) return 0;
  BRIGADE_CHECK(buckets->encoded() == input, "a second encoding");
  BRIGADE_CHECK(buckets->encoded_bytes() == size, "a wrong size");
  std::size_t count = 0;
  std::uint32_t end = 0;
  for (const BucketSet::Run& run : buckets->runs()) {
    BRIGADE_CHECK(run.first < run.end && run.end <= kBucketCount, run.first << " to " << run.end);
    BRIGADE_CHECK(count == 0 || run.first > end, "runs touch at " << run.first);
    BRIGADE_CHECK(buckets->has(BucketId{static_cast<std::uint16_t>(run.first)}), "not in its own run");
    end = run.end;
    count += run.end - run.first;
  }
  BRIGADE_CHECK(buckets->size() == count, "a wrong count");
  BucketSet whole;
  for (const BucketSet& part : buckets->split(8)) {
    BRIGADE_CHECK(!part.empty() && part.encoded_bytes() <= 8, "a part of " << part.encoded_bytes() << " bytes");
    part.for_each([&whole](BucketId bucket) { whole.add(bucket); });
  }
  BRIGADE_CHECK(whole == *buckets, "parts that are not the whole");
  return 0;
}
