#include "crypto/pki_leaves.h"

#include <arpa/inet.h>

namespace tiphys::crypto {
namespace {

struct LeafRow {
  std::string_view file;
  std::string_view common_name;  // '*' at the end: the node's name is put there
  std::string_view organization;
  bool server = false;
  bool client = false;
};

// In the order of PkiLeaf.
constexpr LeafRow kLeaves[kPkiLeafCount] = {
    {"apiserver", "kube-apiserver", "", true, false},
    {"apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters", false, true},
    {"front-proxy-client", "front-proxy-client", "", false, true},
    {"admin", "kubernetes-admin", "system:masters", false, true},
    {"kube-scheduler", "system:kube-scheduler", "", false, true},
    {"kube-controller-manager", "system:kube-controller-manager", "", false, true},
    {"kubelet-client", "system:node:*", "system:nodes", false, true},
    {"kubelet", "system:node:*", "system:nodes", true, false},
    {"kube-proxy", "system:kube-proxy", "", false, true},
};

const LeafRow& row(PkiLeaf leaf) { return kLeaves[static_cast<size_t>(leaf)]; }

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) {
    list.push_back(text);
  }
}

// One spelling of an address, so that wanted ones compare with those of a certificate.
std::string canonical_address(const std::string& text) {
  unsigned char bytes[16];
  char out[INET6_ADDRSTRLEN] = "";
  for (int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes) != 1) continue;
    inet_ntop(family, bytes, out, sizeof out);
    return out;
  }
  return text;
}

void add_apiserver_names(CertificateTemplate& what, const PkiOptions& options) {
  for (const std::string& name :
       {std::string("kubernetes"), std::string("kubernetes.default"),
        std::string("kubernetes.default.svc"), "kubernetes.default.svc." + options.cluster_domain,
        std::string("localhost"), options.node_name}) {
    add_once(what.dns_names, name);
  }
  for (const std::string& name : options.dns_names) add_once(what.dns_names, name);
  add_once(what.ip_addresses, canonical_address(options.service_ip));
}

bool contains_all(const std::vector<std::string>& have, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
    return std::find(have.begin(), have.end(), text) != have.end();
  });
}

}  // namespace

std::string_view Pki::file_name(PkiLeaf leaf) { return row(leaf).file; }

CertificateTemplate leaf_template(PkiLeaf leaf, const PkiOptions& options) {
  CertificateTemplate what;
  const LeafRow& r = row(leaf);
  std::string name(r.common_name);
  if (name.ends_with('*')) name.replace(name.size() - 1, 1, options.node_name);
  what.subject.common_name = name;
  if (!r.organization.empty()) what.subject.organizations.emplace_back(r.organization);
  what.server_auth = r.server;
  what.client_auth = r.client;
  if (leaf == PkiLeaf::kApiserver) add_apiserver_names(what, options);
  if (leaf == PkiLeaf::kKubeletServing) add_once(what.dns_names, options.node_name);
  if (r.server) {
    add_once(what.ip_addresses, "127.0.0.1");
    for (const std::string& address : options.advertise_addresses) {
      add_once(what.ip_addresses, canonical_address(address));
    }
  }
  return what;
}

MicroTime renewal_time(const Certificate& certificate) {
  MicroTime life = certificate.not_after() - certificate.not_before();
  return certificate.not_after() - life / 3;
}

bool is_due(const Certificate& certificate, MicroTime now) {
  return now >= renewal_time(certificate) || now < certificate.not_before();
}

bool covers(const Certificate& certificate, const CertificateTemplate& wanted) {
  Subject subject = certificate.subject();
  return subject.common_name == wanted.subject.common_name &&
         contains_all(subject.organizations, wanted.subject.organizations) &&
         contains_all(certificate.dns_names(), wanted.dns_names) &&
         contains_all(certificate.ip_addresses(), wanted.ip_addresses);
}

}  // namespace tiphys::crypto
