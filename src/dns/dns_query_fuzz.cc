// Messages of clients: whatever comes, the answer is a message that can be read again, belongs to
// the query and keeps within its limit.
#include <cstdlib>
#include <vector>

#include "async/sim_loop.h"
#include "dns/front.h"

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

std::unique_ptr<ServiceRecords> service(std::string name, ServiceRecords::Kind kind) {
  auto out = std::make_unique<ServiceRecords>();
  out->kind = kind;
  out->key = name + ".default";
  append_label(out->wire, name);
  append_label(out->wire, "default");
  out->ports = {{"http", "tcp", 80}};
  for (uint8_t i = 0; i < 100; ++i) {
    IpAddress address{.bytes = {10, 0, 0, i}, .v6 = i % 2 == 1};
    if (kind == ServiceRecords::Kind::kHeadless) out->addresses.push_back(address);
    out->endpoints.push_back({address, "host-" + std::to_string(i)});
  }
  out->endpoint_ports = {{.port = {"http", "tcp", 80}, .targets = {}}};
  for (uint32_t i = 0; i < 100; ++i) {
    out->endpoint_ports[0].targets.push_back({i, 8080});
    out->by_host.emplace(out->endpoints[i].host, i);
  }
  if (kind == ServiceRecords::Kind::kClusterIp) out->addresses = {*parse_ip("10.3.0.1")};
  return out;
}

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
    records.add_namespace("default");
    records.set(service("web", ServiceRecords::Kind::kClusterIp));
    records.set(service("pets", ServiceRecords::Kind::kHeadless));
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
  }
  return 0;
}
