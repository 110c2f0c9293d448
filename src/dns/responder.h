// Responder: answers what the cluster itself knows: names below its domain, and the addresses of
// its Services, endpoints and ranges. Everything else is somebody else's.
//
// Pure, loop thread only. Negative answers carry the zone's SOA record (RFC 2308).
#pragma once
#include <vector>

#include "dns/answer_writer.h"
#include "dns/records.h"

namespace tiphys::dns {

inline constexpr uint32_t kRecordTtl = 5;       // seconds, as CoreDNS' kubernetes plugin
inline constexpr uint32_t kVersionTtl = 28800;  // as in the specification's example
inline constexpr std::string_view kSchemaVersion = "1.1.0";
inline constexpr int kMaxAliases = 8;  // ExternalNames that lead to each other
// The Service of the cluster's DNS: ns.dns.DOMAIN has its addresses.
inline constexpr std::string_view kDnsService = "kube-dns.kube-system";

class Responder {
 public:
  enum class Outcome : uint8_t {
    kAnswered,
    kForward,  // the question isn't ours; nothing was written
    kAlias,    // what was written ends with an alias of `target`, which isn't ours
  };
  struct Answer {
    Outcome outcome = Outcome::kAnswered;
    Rcode rcode = kNoError;
    Name target;
  };

  explicit Responder(const Records& records);
  // Ranges whose addresses never are asked for elsewhere.
  void set_ranges(std::vector<IpPrefix> ranges) { ranges_ = std::move(ranges); }
  // Counts up whenever records change, for SOA.
  void set_serial(uint32_t serial);
  Answer respond(const Query& query, AnswerWriter& out);
  // A name of the cluster's domain.
  bool is_ours(const Name& name) const { return name.is_below_or_at(records_.zone()); }

 private:
  // One name on the way: what it leads to, and how a record's owner is written.
  struct Step {
    const Query& query;
    AnswerWriter& out;
    Name name;
    std::string owner;  // in wire form or a pointer
  };
  Answer answer_cluster(const Query& query, AnswerWriter& out);
  std::optional<Answer> answer_reverse(const Query& query, AnswerWriter& out);
  Answer finish(Step& step, std::string_view zone, Rcode rcode, size_t answers_before);
  void write_match(Step& step, const Match& match);
  void write_apex(Step& step);
  void write_service(Step& step, const ServiceRecords& service);
  void write_endpoint(Step& step, const Match& match);
  void write_port(Step& step, const Match& match);
  void write_addresses(Step& step, const std::vector<IpAddress>& addresses, bool rotate);
  void write_service_srv(Step& step, const ServiceRecords& service,
                         const std::vector<const Port*>& ports);
  void write_endpoint_srv(Step& step, const ServiceRecords& service,
                          std::vector<ServiceRecords::PortTarget> targets);
  bool wants(const Step& step, const IpAddress& address) const {
    return step.query.type == (address.v6 ? kTypeAaaa : kTypeA);
  }
  // "HOST.NAME.NAMESPACE.svc.DOMAIN" in wire form; "" if that is too long for a name.
  std::string target_name(const ServiceRecords& service, std::string_view host) const;

  const Records& records_;
  std::vector<IpPrefix> ranges_;
  std::string soa_;           // data of the SOA record
  size_t serial_offset_ = 0;  // in soa_
};

}  // namespace tiphys::dns
