// Internal to crypto/ (and net/, which drives sessions): owners of OpenSSL's objects and its error
// text. Include it only from sources.
#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace tiphys::crypto {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedX509 = Owned<X509, X509_free>;
using OwnedRequest = Owned<X509_REQ, X509_REQ_free>;
using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;
using OwnedDigest = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedNumber = Owned<BIGNUM, BN_free>;

// "<what>: <OpenSSL's newest error>"; empties OpenSSL's error queue.
ApiStatus openssl_error(std::string_view what);

// A read-only BIO over borrowed bytes.
OwnedBio borrow_bio(std::string_view bytes);
std::string bio_text(BIO* bio);

// A password callback that refuses, so that an encrypted PEM is an error, never a prompt.
int refuse_password(char* buffer, int size, int writing, void* context);

}  // namespace tiphys::crypto
