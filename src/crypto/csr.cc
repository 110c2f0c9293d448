#include "crypto/csr.h"

#include "crypto/x509_parts.h"

namespace tiphys::crypto {
namespace {

void free_extensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
using OwnedExtensions = Owned<STACK_OF(X509_EXTENSION), free_extensions>;

AlternativeNames names_of(X509_REQ* request) {
  OwnedExtensions extensions(X509_REQ_get_extensions(request));
  if (!extensions) return {};
  OwnedNames names(static_cast<GENERAL_NAMES*>(
      X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
  return read_names(names.get());
}

Result<void> add_names(X509_REQ* request, const GENERAL_NAMES* names) {
  OwnedExtensions extensions(sk_X509_EXTENSION_new_null());
  X509_EXTENSION* extension =
      X509V3_EXT_i2d(NID_subject_alt_name, 0, const_cast<GENERAL_NAMES*>(names));
  if (!extension || sk_X509_EXTENSION_push(extensions.get(), extension) <= 0 ||
      X509_REQ_add_extensions(request, extensions.get()) != 1) {
    return openssl_error("add names");
  }
  return {};
}

}  // namespace

SigningRequest::SigningRequest(X509_REQ* request) : request_(request, X509_REQ_free) {}

Result<SigningRequest> SigningRequest::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return ApiStatus::internal("read signing request: too large");
  OwnedBio bio = borrow_bio(pem);
  OwnedRequest request(PEM_read_bio_X509_REQ(bio.get(), nullptr, refuse_password, nullptr));
  if (!request) return openssl_error("read signing request");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1) {
    return openssl_error("signing request is not signed by its own key");
  }
  return SigningRequest(request.release());
}

Result<SigningRequest> SigningRequest::make(const Subject& subject,
                                            const std::vector<std::string>& dns_names,
                                            const std::vector<std::string>& ip_addresses,
                                            const PrivateKey& key) {
  OwnedRequest request(X509_REQ_new());
  X509_REQ_set_version(request.get(), 0);
  auto named = write_subject(subject, X509_REQ_get_subject_name(request.get()));
  if (!named) return named.error();
  if (X509_REQ_set_pubkey(request.get(), key.get()) != 1) return openssl_error("set public key");
  if (!dns_names.empty() || !ip_addresses.empty()) {
    auto names = make_names(dns_names, ip_addresses);
    if (!names) return names.error();
    auto added = add_names(request.get(), names->get());
    if (!added) return added.error();
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0) {
    return openssl_error("sign the request");
  }
  return SigningRequest(request.release());
}

std::string SigningRequest::to_pem() const {
  OwnedBio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request_.get());
  return bio_text(bio.get());
}

Subject SigningRequest::subject() const {
  return read_subject(X509_REQ_get_subject_name(request_.get()));
}

std::vector<std::string> SigningRequest::dns_names() const {
  return names_of(request_.get()).dns_names;
}

std::vector<std::string> SigningRequest::ip_addresses() const {
  return names_of(request_.get()).ip_addresses;
}

bool SigningRequest::has_emails_or_uris() const { return names_of(request_.get()).others; }

}  // namespace tiphys::crypto
