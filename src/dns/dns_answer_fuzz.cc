// Messages of other name servers: the input is an answer to a fixed question. Whatever is believed
// of it can be told again, to clients with and without EDNS, within their limits.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "dns/upstream_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys::dns;
  static const std::string question = make_query(*Name::from_text("a.example"), kTypeA, 7, false);
  Bytes asked(reinterpret_cast<const uint8_t*>(question.data()), question.size());
  // What fits the question by chance is rare: the head is made right.
  size_t head = question.size() - kOptBytes;
  std::vector<uint8_t> message(data, data + size);
  if (message.size() >= head) {
    std::memcpy(message.data() + kHeaderBytes, asked.data() + kHeaderBytes, head - kHeaderBytes);
    write16(message.data(), 7);
    message[2] = static_cast<uint8_t>(0x80 | (message[2] & 0x07));
    write16(message.data() + 4, 1);
  }
  std::optional<UpstreamAnswer> answer = read_upstream_answer(message, asked);
  if (!answer) return 0;
  if (answer->message.size() > message.size() || answer->ttl > 3600) std::abort();
  for (bool edns : {false, true}) {
    std::string client = edns ? question : question.substr(0, head);
    if (!edns) client[11] = 0;
    Bytes from(reinterpret_cast<const uint8_t*>(client.data()), client.size());
    Query query;
    if (read_query(from, query) != Verdict::kGood) std::abort();
    for (size_t limit : {size_t{512}, size_t{1232}, kMaxMessageBytes}) {
      std::vector<uint8_t> out(limit);
      size_t written = write_answer(*answer, 3, from, query, limit, out);
      if (written < head || written > limit) std::abort();
      if (std::memcmp(out.data() + kHeaderBytes, client.data() + kHeaderBytes,
                      head - kHeaderBytes) != 0) {
        std::abort();
      }
      AnswerWriter writer(out, limit, from, query);
      append_answers(answer->message, kTypeA, writer);
      if (writer.finish(0) > limit) std::abort();
    }
  }
  return 0;
}
