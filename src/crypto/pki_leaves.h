// Internal to crypto/: what each leaf of the Pki certifies. Pure.
#pragma once
#include "crypto/pki.h"

namespace tiphys::crypto {

// Subject, usages and names; no times.
CertificateTemplate leaf_template(PkiLeaf leaf, const PkiOptions& options);

// Whether a leaf must be made anew: due, or without a wanted name, or with another subject.
MicroTime renewal_time(const Certificate& certificate);  // when a third of its life is left
bool is_due(const Certificate& certificate, MicroTime now);
bool covers(const Certificate& certificate, const CertificateTemplate& wanted);

}  // namespace tiphys::crypto
