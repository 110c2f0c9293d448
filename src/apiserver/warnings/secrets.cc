#include "apiserver/validation/certificate_pem.h"
#include "apiserver/warnings/kinds.h"
#include "base/strings.h"
#include "crypto/certificate.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kPrivateKey = "PRIVATE KEY";

// The first block whose type is asked for, and the types of those before it.
struct Search {
  std::string found;  // the block with its lines; empty: there is none
  std::vector<std::string> skipped;

  std::string listed() const { return "[" + join(skipped, " ") + "]"; }
};

Search search(std::string_view pem, bool key) {
  Search search;
  while (auto block = next_pem_block(pem)) {
    bool wanted = key ? block->type == kPrivateKey || block->type.ends_with(" PRIVATE KEY")
                      : block->type == "CERTIFICATE";
    if (wanted) {
      search.found = std::string(block->all) + "\n";
      return search;
    }
    search.skipped.emplace_back(block->type);
  }
  return search;
}

std::string missing_certificate(const Search& search) {
  if (search.skipped.empty()) return "tls: failed to find any PEM data in certificate input";
  if (search.skipped.size() == 1 && search.skipped[0].ends_with(kPrivateKey)) {
    return "tls: failed to find certificate PEM data in certificate input, but did find a private "
           "key; PEM inputs may have been switched";
  }
  return "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM "
         "blocks of the following types: " +
         search.listed();
}

std::string missing_key(const Search& search) {
  if (search.skipped.empty()) return "tls: failed to find any PEM data in key input";
  if (search.skipped.size() == 1 && search.skipped[0] == "CERTIFICATE") {
    return "tls: found a certificate rather than a key in the PEM for the private key";
  }
  return "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after "
         "skipping PEM blocks of the following types: " +
         search.listed();
}

// Empty: the two belong together.
std::string pair_problem(std::string_view certificate_pem, std::string_view key_pem) {
  Search certificate = search(certificate_pem, false);
  if (certificate.found.empty()) return missing_certificate(certificate);
  Search key = search(key_pem, true);
  if (key.found.empty()) return missing_key(key);
  auto parsed = crypto::Certificate::from_pem(certificate.found);
  if (!parsed) return "x509: malformed certificate";
  auto parsed_key = crypto::PrivateKey::from_pem(key.found);
  if (!parsed_key) return "tls: failed to parse private key";
  if (parsed->belongs_to(*parsed_key)) return "";
  return parsed->same_key_kind(*parsed_key)
             ? "tls: private key does not match public key"
             : "tls: private key type does not match public key type";
}

}  // namespace

void warn_of_secret(const Object& object, const Object*, Warnings& warnings) {
  core_v1::Secret secret(object);
  if (secret.type() != "kubernetes.io/tls") return;
  std::string problem = pair_problem(secret.data().find("tls.crt"), secret.data().find("tls.key"));
  if (!problem.empty()) warnings.push_back(std::move(problem));
}

}  // namespace tiphys::apiserver
