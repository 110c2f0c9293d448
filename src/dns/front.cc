#include "dns/front.h"

#include "dns/upstream_answer.h"

namespace tiphys::dns {

namespace {

size_t limit_of(Transport transport, const Query& query) {
  if (transport == Transport::kTcp) return kMaxMessageBytes;
  return query.edns ? query.udp_bytes : kPlainUdpBytes;
}

}  // namespace

Front::Reply Front::answer(Bytes message, Transport transport, bool allowed,
                           std::span<uint8_t> out) {
  Query query;
  Verdict verdict = read_query(message, query);
  if (verdict == Verdict::kSilence) return {};
  AnswerWriter writer(out, limit_of(transport, query), message, query);
  auto reply = [&](uint16_t rcode) { return Reply{Way::kReply, writer.finish(rcode)}; };
  if (verdict == Verdict::kFormErr) return reply(kFormErr);
  if (verdict == Verdict::kNotImp) return reply(kNotImp);
  if (!allowed) return reply(kRefused);
  if (verdict == Verdict::kBadVers) return reply(kBadVers);
  if (!ready_ && responder_.is_ours(query.name)) return reply(kServFail);
  Responder::Answer answer = responder_.respond(query, writer);
  if (answer.outcome != Responder::Outcome::kAnswered) return {.way = Way::kLater};
  return reply(answer.rcode);
}

Task<std::string> Front::answer_later(std::string message, Transport transport) {
  Query query;
  Bytes bytes(reinterpret_cast<const uint8_t*>(message.data()), message.size());
  if (read_query(bytes, query) != Verdict::kGood) co_return "";
  size_t limit = limit_of(transport, query);
  if (responder_.is_ours(query.name)) {
    std::string answer = co_await follow_alias(std::move(message), query, limit);
    co_return answer;
  }
  std::string answer = co_await resolve_(std::move(message), limit);
  co_return answer;
}

// The alias is ours, what it stands for isn't.
Task<std::string> Front::follow_alias(std::string message, Query query, size_t limit) {
  std::string out(limit, '\0');
  std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
  Bytes asked(reinterpret_cast<const uint8_t*>(message.data()), message.size());
  AnswerWriter writer(room, limit, asked, query);
  Responder::Answer answer = responder_.respond(query, writer);
  uint16_t rcode = answer.rcode;
  if (answer.outcome == Responder::Outcome::kAlias) {
    std::string question = make_query(answer.target, query.type, query.id, query.dnssec_ok);
    std::string found = co_await resolve_(std::move(question), kMaxMessageBytes);
    rcode = append_answers(found, query.type, writer);
  }
  out.resize(writer.finish(rcode));
  co_return out;
}

}  // namespace tiphys::dns
