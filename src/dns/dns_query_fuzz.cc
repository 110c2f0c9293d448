// Messages of clients: whatever comes, the answer is a message that can be read again, belongs to
// the query and keeps within its limit.
#include <cstdlib>
#include <vector>

#include "async/sim_loop.h"
#include "dns/front.h"
#include "dns/sample_records_test.h"

#ifdef TIPHYS_LDNS
#include "dns/dns_text_test.h"
#include "dns/ldns_text_test.h"
#endif

namespace tiphys::dns {
namespace {

class NoUpstream : public Upstream {
 public:
  size_t answer_now(Bytes message, const Query& query, size_t limit,
                    std::span<uint8_t> out) override {
    AnswerWriter writer(out, limit, message, query);
    return writer.finish(kServFail);
  }
  Task<std::string> resolve(std::string, size_t) override { co_return ""; }
  bool is_loop(const IpAddress&, const Query&) const override { return false; }
};

}  // namespace
}  // namespace tiphys::dns

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiphys;
  using namespace tiphys::dns;
  static Records records(*Name::from_text("cluster.local"));
  static Responder responder(records);
  static NoUpstream upstream;
  static Metrics metrics;
  static SimLoop clock;
  static Front front(clock, responder, upstream, metrics, [](const IpAddress&) { return true; });
  static bool made = [] {
    add_samples(records, 100);
    responder.set_ranges({*parse_cidr("10.0.0.0/8")});
    front.set_ready();
    return true;
  }();
  (void)made;
  Bytes message(data, size);
  for (Transport transport : {Transport::kUdp, Transport::kTcp}) {
    std::vector<uint8_t> out(transport == Transport::kUdp ? kEdnsUdpBytes : kMaxMessageBytes);
    Front::Reply reply = front.answer(message, transport, IpAddress(), out);
    if (reply.way != Front::Way::kReply) continue;
    if (reply.size < kHeaderBytes || reply.size > out.size()) std::abort();
    if (read16(out, 0) != read16(message, 0) || (out[2] & 0x80) == 0) std::abort();
    size_t at = kHeaderBytes;
    if (read16(out, 4) == 1) {
      if (!Name::read(out, at, Compression::kRefused)) std::abort();
      at += 4;
    }
    int records_left = read16(out, 6) + read16(out, 8) + read16(out, 10);
    Bytes answer(out.data(), reply.size);
    for (; records_left > 0; --records_left) {
      if (!Name::read(answer, at, Compression::kFollowed) || at + 10 > reply.size) std::abort();
      at += 10u + read16(answer, at + 8);
    }
    if (at != reply.size) std::abort();
#ifdef TIPHYS_LDNS
    // Somebody else's reader has to see the same records.
    LdnsPacket read = ldns_read(answer);
    if (!read || ldns_text(read.get()) != message_text(answer)) std::abort();
#endif
  }
  return 0;
}
