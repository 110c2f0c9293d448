// What a message says, as text that tests compare: the code, flags, and a line a record. Test only.
#pragma once
#include <string>

#include "base/strings.h"
#include "dns/answer_writer.h"

namespace tiphys::dns {

inline std::string data_text(Bytes message, uint16_t type, size_t at, size_t size) {
  if (type == kTypeA || type == kTypeAaaa) {
    IpAddress address{.v6 = type == kTypeAaaa};
    for (size_t i = 0; i < size; ++i) address.bytes[i] = message[at + i];
    return canonical_text(address);
  }
  if (type == kTypeTxt) {
    return "\"" + std::string(reinterpret_cast<const char*>(&message[at + 1]), message[at]) + "\"";
  }
  std::string out;
  if (type == kTypeSrv) {
    for (int i = 0; i < 3; ++i, at += 2) out += std::to_string(read16(message, at)) + " ";
  }
  std::optional<Name> name = Name::read(message, at, Compression::kFollowed);
  return out + (name ? name->text() : "?");
}

// "NOERROR aa tc\nname 5 A 10.0.0.1\n-- \n..." ; sections are divided by "--".
inline std::string message_text(Bytes message) {
  static const char* kCodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  std::string out = kCodes[message[3] & 0x0F];
  if (message[2] & 4) out += " aa";
  if (message[2] & 2) out += " tc";
  out += "\n";
  size_t at = kHeaderBytes;
  if (read16(message, 4) == 1) {
    if (!Name::read(message, at, Compression::kRefused)) return out + "bad question";
    at += 4;
  }
  for (size_t section = 0; section < 3; ++section) {
    for (uint16_t i = read16(message, 6 + 2 * section); i > 0; --i) {
      std::optional<Name> owner = Name::read(message, at, Compression::kFollowed);
      if (!owner || at + 10 > message.size()) return out + "bad record";
      uint16_t type = read16(message, at);
      uint32_t ttl = read32(message, at + 4);
      uint16_t size = read16(message, at + 8);
      at += 10;
      const char* name = type == kTypeA       ? "A"
                         : type == kTypeAaaa  ? "AAAA"
                         : type == kTypeCname ? "CNAME"
                         : type == kTypePtr   ? "PTR"
                         : type == kTypeSoa   ? "SOA"
                         : type == kTypeSrv   ? "SRV"
                         : type == kTypeTxt   ? "TXT"
                         : type == kTypeNs    ? "NS"
                                              : "OPT";
      out += std::string(section == 0 ? "" : section == 1 ? "auth " : "more ") + owner->text();
      if (type == kTypeOpt) {
        out += " OPT\n";
      } else {
        out += " " + std::to_string(ttl) + " " + name + " " + data_text(message, type, at, size) +
               "\n";
      }
      at += size;
    }
  }
  return at == message.size() ? out : out + "trailing bytes";
}

inline Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A query without EDNS.
inline std::string plain_query(std::string_view name, uint16_t type, uint16_t id = 0) {
  std::string out(kHeaderBytes, '\0');
  write16(reinterpret_cast<uint8_t*>(out.data()), id);
  out[2] = 1;
  out[5] = 1;
  out += Name::from_text(name)->wire();
  for (uint16_t value : {type, kClassIn}) {
    out += static_cast<char>(value >> 8);
    out += static_cast<char>(value & 0xFF);
  }
  return out;
}

}  // namespace tiphys::dns
