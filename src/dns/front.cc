#include "dns/front.h"

#include "dns/upstream_answer.h"

namespace tiphys::dns {

namespace {

size_t limit_of(Transport transport, const Query& query) {
  if (transport == Transport::kTcp) return kMaxMessageBytes;
  return query.edns ? query.udp_bytes : kPlainUdpBytes;
}

}  // namespace

Front::Reply Front::answer(Bytes message, Transport transport, const IpAddress& client,
                           std::span<uint8_t> out) {
  MonoTime start = clock_.mono();
  Query query;
  Verdict verdict = read_query(message, query);
  if (verdict == Verdict::kSilence) return {};
  metrics_.request(transport, client.v6, query.type, message.size());
  Reply reply = decide(message, query, verdict, limit_of(transport, query), client, out);
  if (reply.way == Way::kReply) {
    bool ours = verdict != Verdict::kGood || responder_.is_ours(query.name);
    measure(out.first(reply.size), !ours, transport, start);
  }
  return reply;
}

Front::Reply Front::decide(Bytes message, const Query& query, Verdict verdict, size_t limit,
                           const IpAddress& client, std::span<uint8_t> out) {
  AnswerWriter writer(out, limit, message, query);
  auto reply = [&](uint16_t rcode) { return Reply{Way::kReply, writer.finish(rcode)}; };
  if (verdict == Verdict::kFormErr) return reply(kFormErr);
  if (verdict == Verdict::kNotImp) return reply(kNotImp);
  if (!allowed_(client)) return reply(kRefused);
  if (verdict == Verdict::kBadVers) return reply(kBadVers);
  if (!ready_ && responder_.is_ours(query.name)) return reply(kServFail);
  Responder::Answer answer = responder_.respond(query, writer);
  if (answer.outcome == Responder::Outcome::kAnswered) return reply(answer.rcode);
  if (answer.outcome == Responder::Outcome::kAlias) return {.way = Way::kLater};
  if (upstream_.is_loop(client, query)) return reply(kRefused);
  size_t known = upstream_.answer_now(message, query, limit, out);
  return known != 0 ? Reply{Way::kReply, known} : Reply{.way = Way::kLater};
}

void Front::measure(Bytes answer, bool forwarded, Transport transport, MonoTime start) {
  metrics_.response(answer[3] & 0x0F, forwarded, transport, answer.size(), clock_.mono() - start);
}

Task<std::string> Front::answer_later(std::string message, Transport transport) {
  MonoTime start = clock_.mono();
  Query query;
  Bytes bytes(reinterpret_cast<const uint8_t*>(message.data()), message.size());
  if (read_query(bytes, query) != Verdict::kGood) co_return "";
  size_t limit = limit_of(transport, query);
  bool ours = responder_.is_ours(query.name);
  std::string answer;
  if (ours) {
    answer = co_await follow_alias(std::move(message), query, limit);
  } else {
    answer = co_await upstream_.resolve(std::move(message), limit);
  }
  Bytes told(reinterpret_cast<const uint8_t*>(answer.data()), answer.size());
  if (!told.empty()) measure(told, !ours, transport, start);
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
    std::string found = co_await upstream_.resolve(std::move(question), kMaxMessageBytes);
    rcode = append_answers(found, query.type, writer);
  }
  out.resize(writer.finish(rcode));
  co_return out;
}

}  // namespace tiphys::dns
