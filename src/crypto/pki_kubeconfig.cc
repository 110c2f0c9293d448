// Writing kubeconfig files from the Pki.
#include "base/strings.h"
#include "crypto/pki.h"
#include "crypto/pki_leaves.h"
#include "os/files.h"

namespace tiphys::crypto {
namespace {

// JSON quoting is YAML quoting; names and URLs hold nothing that would need more.
std::string quoted(std::string_view text) { return go_quote(text); }

}  // namespace

std::string Pki::kubeconfig(PkiLeaf leaf, std::string_view server_url) const {
  const PkiPair& keys = pair(leaf);
  std::string user = leaf_template(leaf, options_).subject.common_name;
  std::string context = leaf == PkiLeaf::kAdmin ? user + "@kubernetes" : "default-context";
  std::string out;
  out += "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ";
  out += base64_encode(ca_.pem);
  out += "\n    server: " + quoted(server_url) + "\n  name: kubernetes\ncontexts:\n";
  out += "- context:\n    cluster: kubernetes\n    user: " + quoted(user) + "\n  name: ";
  out += quoted(context) + "\ncurrent-context: " + quoted(context);
  out += "\nkind: Config\npreferences: {}\nusers:\n- name: " + quoted(user);
  out += "\n  user:\n    client-certificate-data: " + base64_encode(keys.certificate_pem);
  out += "\n    client-key-data: " + base64_encode(keys.key_pem) + "\n";
  return out;
}

Result<void> Pki::write_kubeconfig(PkiLeaf leaf, std::string_view server_url,
                                   const std::string& file) const {
  std::string text = kubeconfig(leaf, server_url);
  auto present = os::read_file(file);
  if (present && *present == text) return {};
  size_t slash = file.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    auto made = os::make_dirs(file.substr(0, slash));
    if (!made) return made;
  }
  return os::write_file_atomic(file, text, 0600);
}

}  // namespace tiphys::crypto
