// Front: what becomes of one message, sockets aside: who may ask, what is refused, what the cluster
// answers at once and what has to be asked elsewhere.
//
// Loop thread only.
#pragma once
#include <functional>
#include <string>

#include "async/task.h"
#include "dns/responder.h"

namespace tiphys::dns {

enum class Transport : uint8_t { kUdp, kTcp };

class Front {
 public:
  // Answers of others: a message, its id and question as in the one that is given (a good query).
  // At most `limit` bytes. The error code of what could not be asked stands in the message.
  using Resolve = std::function<Task<std::string>(std::string message, size_t limit)>;

  Front(Responder& responder, Resolve resolve)
      : responder_(responder), resolve_(std::move(resolve)) {}

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
  Reply answer(Bytes message, Transport transport, bool allowed, std::span<uint8_t> out);
  Task<std::string> answer_later(std::string message, Transport transport);

 private:
  Task<std::string> follow_alias(std::string message, Query query, size_t limit);

  Responder& responder_;
  Resolve resolve_;
  bool ready_ = false;
};

}  // namespace tiphys::dns
