// What libldns reads in a message, in the form of message_text(): the oracle of our own format.
// Test only; needs libldns (TIPHYS_LDNS).
#pragma once
#include <ldns/ldns.h>

#include <memory>
#include <string>

#include "base/strings.h"
#include "dns/name.h"

namespace tiphys::dns {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using LdnsPacket = std::unique_ptr<ldns_pkt, FreePacket>;

// Null: ldns takes it for malformed.
inline LdnsPacket ldns_read(Bytes message) {
  ldns_pkt* packet = nullptr;
  ldns_status status = ldns_wire2pkt(&packet, message.data(), message.size());
  return LdnsPacket(status == LDNS_STATUS_OK ? packet : nullptr);
}

// Names as we write them (lower case, \DDD), all else as ldns does.
inline std::string ldns_text(const ldns_rdf* data) {
  if (ldns_rdf_get_type(data) == LDNS_RDF_TYPE_DNAME) {
    size_t at = 0;
    Bytes wire(ldns_rdf_data(data), ldns_rdf_size(data));
    std::optional<Name> name = Name::read(wire, at, Compression::kRefused);
    return name ? name->text() : "?";
  }
  char* text = ldns_rdf2str(data);
  std::string out = text;
  std::free(text);
  return out;
}

inline std::string ldns_text(const ldns_rr* record) {
  char* type = ldns_rr_type2str(ldns_rr_get_type(record));
  std::string out =
      ldns_text(ldns_rr_owner(record)) + " " + std::to_string(ldns_rr_ttl(record)) + " " + type;
  std::free(type);
  // Of SOA only the server, as message_text().
  size_t count = ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA ? 1 : ldns_rr_rd_count(record);
  for (size_t i = 0; i < count; ++i) out += " " + ldns_text(ldns_rr_rdf(record, i));
  return out + "\n";
}

inline std::string ldns_text(const ldns_pkt* packet) {
  char* code = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));
  std::string out = ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOTIMPL ? "NOTIMP" : code;
  std::free(code);
  if (ldns_pkt_aa(packet)) out += " aa";
  if (ldns_pkt_tc(packet)) out += " tc";
  out += "\n";
  struct {
    const char* before;
    const ldns_rr_list* records;
  } sections[] = {{"", ldns_pkt_answer(packet)},
                  {"auth ", ldns_pkt_authority(packet)},
                  {"more ", ldns_pkt_additional(packet)}};
  for (auto [before, records] : sections) {
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
      out += before + ldns_text(ldns_rr_list_rr(records, i));
    }
  }
  return out + (ldns_pkt_edns(packet) ? "more . OPT\n" : "");
}

}  // namespace tiphys::dns
