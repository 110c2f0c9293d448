// Front: what becomes of one message, sockets aside: who may ask, what is refused, what the cluster
// answers at once and what has to be asked elsewhere.
//
// Loop thread only.
#pragma once
#include <functional>
#include <string>

#include "dns/metrics.h"
#include "dns/responder.h"
#include "dns/upstream.h"

namespace tiphys::dns {

class Front {
 public:
  // `allowed`: whether a client gets answers; strangers get REFUSED.
  using Allowed = std::function<bool(const IpAddress& client)>;

  Front(Clock& clock, Responder& responder, Upstream& upstream, Metrics& metrics, Allowed allowed)
      : clock_(clock),
        responder_(responder),
        upstream_(upstream),
        metrics_(metrics),
        allowed_(std::move(allowed)) {}

  bool is_stranger(const IpAddress& client) const { return !allowed_(client); }
  // Records are complete; before that, the cluster's own names get SERVFAIL.
  void set_ready() { ready_ = true; }

  enum class Way : uint8_t {
    kReply,    // `out` holds it
    kSilence,  // no answer at all
    kLater,    // answer_later() has to be asked
  };
  struct Reply {
    Way way = Way::kSilence;
    size_t size = 0;
  };
  // Requires: out holds kEdnsUdpBytes for UDP, kMaxMessageBytes for TCP.
  Reply answer(Bytes message, Transport transport, const IpAddress& client, std::span<uint8_t> out);
  Task<std::string> answer_later(std::string message, Transport transport);

 private:
  Reply decide(Bytes message, const Query& query, Verdict verdict, size_t limit,
               const IpAddress& client, std::span<uint8_t> out);
  void measure(Bytes answer, bool forwarded, Transport transport, MonoTime start);
  Task<std::string> follow_alias(std::string message, Query query, size_t limit);

  Clock& clock_;
  Responder& responder_;
  Upstream& upstream_;
  Metrics& metrics_;
  Allowed allowed_;
  bool ready_ = false;
};

}  // namespace tiphys::dns
