// Our own wire format beside libldns: a query is read and its answer written. ldns gets the
// answer's records ready made and writes into a buffer that it has already; ours looks them up,
// too. Prints how many times as long ldns takes: were it not several times, the library would be
// taken (ARCHITECTURE.md, Departures).
#include <benchmark/benchmark.h>

#ifdef TIPHYS_LDNS
#include <ldns/ldns.h>
#endif

#include <cstdio>
#include <map>

#include "dns/dns_text_test.h"
#include "dns/responder.h"
#include "dns/sample_records_test.h"
#include "dns/upstream_answer.h"

namespace tiphys::dns {
namespace {

constexpr const char* kWeb = "web.default.svc.cluster.local";
constexpr const char* kSrv = "_http._tcp.pets.default.svc.cluster.local";
constexpr const char* kNobody = "nobody.default.svc.cluster.local";

struct Case {
  const char* name;
  const char* question;
  uint16_t type;
};
constexpr Case kCases[] = {{"A", kWeb, kTypeA},
                           {"SRV of 3 endpoints", kSrv, kTypeSrv},
                           {"NXDOMAIN with SOA", kNobody, kTypeA}};

std::string query_of(const Case& one) {
  return make_query(*Name::from_text(one.question), one.type, 7, false);
}

size_t answer(Responder& responder, Bytes message, std::span<uint8_t> out) {
  Query query;
  if (read_query(message, query) != Verdict::kGood) return 0;
  AnswerWriter writer(out, query.udp_bytes, message, query);
  Responder::Answer found = responder.respond(query, writer);
  return writer.finish(found.rcode);
}

// What our responder answers; the library gets to write the same.
std::string answer_to(const Case& one) {
  Records records(*Name::from_text("cluster.local"));
  add_samples(records, 3);
  Responder responder(records);
  std::string out(kEdnsUdpBytes, '\0');
  std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
  out.resize(answer(responder, bytes_of(query_of(one)), room));
  return out;
}

void ours(benchmark::State& state, Case one) {
  Records records(*Name::from_text("cluster.local"));
  add_samples(records, 3);
  Responder responder(records);
  std::string query = query_of(one);
  std::vector<uint8_t> room(kEdnsUdpBytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(answer(responder, bytes_of(query), room));
  }
}

// An answer of another server that is passed on: read, checked, and written for a client.
void our_relay(benchmark::State& state, Case one) {
  std::string message = query_of(one);
  std::string told = answer_to(one);
  std::vector<uint8_t> room(kEdnsUdpBytes);
  for (auto _ : state) {
    std::optional<UpstreamAnswer> read = read_upstream_answer(bytes_of(told), bytes_of(message));
    Query query;
    if (!read || read_query(bytes_of(message), query) != Verdict::kGood) {
      return state.SkipWithError("the answer can't be read");
    }
    benchmark::DoNotOptimize(write_answer(*read, 1, bytes_of(message), query, kEdnsUdpBytes, room));
  }
}

#ifdef TIPHYS_LDNS
ldns_pkt* parsed(const std::string& message) {
  ldns_pkt* out = nullptr;
  auto* bytes = reinterpret_cast<const uint8_t*>(message.data());
  if (ldns_wire2pkt(&out, bytes, message.size()) != LDNS_STATUS_OK) std::abort();
  return out;
}

// The query becomes the answer: its records are lent, written and taken back.
void theirs(benchmark::State& state, Case one) {
  std::string query = query_of(one);
  ldns_pkt* ready = parsed(answer_to(one));
  ldns_buffer* room = ldns_buffer_new(kEdnsUdpBytes);
  for (auto _ : state) {
    ldns_pkt* packet = parsed(query);
    ldns_rr_list* own[] = {ldns_pkt_answer(packet), ldns_pkt_authority(packet),
                           ldns_pkt_additional(packet)};
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, true);
    ldns_pkt_set_rcode(packet, ldns_pkt_get_rcode(ready));
    ldns_pkt_set_answer(packet, ldns_pkt_answer(ready));
    ldns_pkt_set_authority(packet, ldns_pkt_authority(ready));
    ldns_pkt_set_additional(packet, ldns_pkt_additional(ready));
    ldns_pkt_set_ancount(packet, ldns_pkt_ancount(ready));
    ldns_pkt_set_nscount(packet, ldns_pkt_nscount(ready));
    ldns_pkt_set_arcount(packet, ldns_pkt_arcount(ready));
    ldns_buffer_clear(room);
    if (ldns_pkt2buffer_wire(room, packet) != LDNS_STATUS_OK) std::abort();
    ldns_pkt_set_answer(packet, own[0]);
    ldns_pkt_set_authority(packet, own[1]);
    ldns_pkt_set_additional(packet, own[2]);
    ldns_pkt_free(packet);
  }
  ldns_buffer_free(room);
  ldns_pkt_free(ready);
}

void their_relay(benchmark::State& state, Case one) {
  std::string message = query_of(one);
  std::string told = answer_to(one);
  ldns_buffer* room = ldns_buffer_new(kEdnsUdpBytes);
  for (auto _ : state) {
    ldns_pkt* query = parsed(message);
    ldns_pkt* answer = parsed(told);
    bool fits = ldns_pkt_id(query) == ldns_pkt_id(answer) &&
                ldns_rr_list_compare(ldns_pkt_question(query), ldns_pkt_question(answer)) == 0;
    ldns_pkt_set_id(answer, 9);
    ldns_buffer_clear(room);
    if (!fits || ldns_pkt2buffer_wire(room, answer) != LDNS_STATUS_OK) std::abort();
    ldns_pkt_free(query);
    ldns_pkt_free(answer);
  }
  ldns_buffer_free(room);
}
#endif

// As always on the console, and kept by name.
class Reporter : public benchmark::ConsoleReporter {
 public:
  Reporter() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) nanoseconds_[run.benchmark_name()] = run.GetAdjustedCPUTime();
    ConsoleReporter::ReportRuns(runs);
  }
  void tell_ratios() const {
    for (const auto& [name, time] : nanoseconds_) {
      auto other = nanoseconds_.find("ldns: " + name);
      if (other == nanoseconds_.end()) continue;
      std::printf("%-28s ldns takes %.1f times as long\n", name.c_str(), other->second / time);
    }
  }

 private:
  std::map<std::string, double> nanoseconds_;
};

void add(const std::string& name, void (*function)(benchmark::State&, Case), const Case& one) {
  benchmark::RegisterBenchmark(name.c_str(), function, one);
}

}  // namespace
}  // namespace tiphys::dns

int main(int argc, char** argv) {
  using namespace tiphys::dns;
  benchmark::Initialize(&argc, argv);
  for (const Case& one : kCases) {
    const std::string name = one.name;
    add(name, ours, one);
    add(name + ", relayed", our_relay, one);
#ifdef TIPHYS_LDNS
    add("ldns: " + name, theirs, one);
    add("ldns: " + name + ", relayed", their_relay, one);
#endif
  }
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.tell_ratios();
  return 0;
}
