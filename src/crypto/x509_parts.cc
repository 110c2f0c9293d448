#include "crypto/x509_parts.h"

#include <arpa/inet.h>

namespace tiphys::crypto {

std::string asn1_text(const ASN1_STRING* text) {
  unsigned char* utf8 = nullptr;
  int size = ASN1_STRING_to_UTF8(&utf8, text);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string result(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
  OPENSSL_free(utf8);
  return result;
}

Subject read_subject(const X509_NAME* name) {
  Subject subject;
  for (int i = 0; name && i < X509_NAME_entry_count(name); i++) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
    std::string text = asn1_text(X509_NAME_ENTRY_get_data(entry));
    // The last common name counts, as in Go's pkix.Name.
    if (nid == NID_commonName) subject.common_name = text;
    if (nid == NID_organizationName) subject.organizations.push_back(text);
  }
  return subject;
}

Result<void> write_subject(const Subject& subject, X509_NAME* name) {
  auto add = [&](int nid, const std::string& text) {
    auto bytes = reinterpret_cast<const unsigned char*>(text.data());
    return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, bytes,
                                      static_cast<int>(text.size()), -1, 0) == 1;
  };
  for (const std::string& organization : subject.organizations) {
    if (!add(NID_organizationName, organization)) return openssl_error("set organization");
  }
  if (!subject.common_name.empty() && !add(NID_commonName, subject.common_name)) {
    return openssl_error("set common name " + subject.common_name);
  }
  return {};
}

namespace {

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) return {};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

bool push_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, type, value);
  return sk_GENERAL_NAME_push(names, name) > 0;
}

}  // namespace

AlternativeNames read_names(const GENERAL_NAMES* names) {
  AlternativeNames result;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type == GEN_DNS) {
      auto text = static_cast<const ASN1_IA5STRING*>(value);
      result.dns_names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<size_t>(ASN1_STRING_length(text)));
    } else if (type == GEN_IPADD) {
      result.ip_addresses.push_back(address_text(static_cast<const ASN1_OCTET_STRING*>(value)));
    } else {
      result.others = true;
    }
  }
  return result;
}

Result<OwnedNames> make_names(const std::vector<std::string>& dns_names,
                              const std::vector<std::string>& ip_addresses) {
  OwnedNames names(sk_GENERAL_NAME_new_null());
  for (const std::string& dns : dns_names) {
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
    push_name(names.get(), GEN_DNS, text);
  }
  for (const std::string& address : ip_addresses) {
    ASN1_OCTET_STRING* bytes = a2i_IPADDRESS(address.c_str());
    if (!bytes) return openssl_error("not an IP address: " + address);
    push_name(names.get(), GEN_IPADD, bytes);
  }
  return names;
}

}  // namespace tiphys::crypto
