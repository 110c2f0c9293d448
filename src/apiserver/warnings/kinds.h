// Warnings about the objects of one kind each; object_warnings.cc has them by resource. Pure.
// `old` null: the object is being created.
#pragma once
#include "apiserver/warnings/warnings.h"
#include "object/object.h"

namespace tiphys::apiserver {

// network.cc
void warn_of_service(const Object& object, const Object* old, Warnings& warnings);
void warn_of_service_status(const Object& object, Warnings& warnings);
void warn_of_endpoints(const Object& object, const Object* old, Warnings& warnings);
void warn_of_endpoint_slice(const Object& object, const Object* old, Warnings& warnings);
void warn_of_ingress(const Object& object, const Object* old, Warnings& warnings);
void warn_of_network_policy(const Object& object, const Object* old, Warnings& warnings);

// storage.cc
void warn_of_claim(const Object& object, const Object* old, Warnings& warnings);
void warn_of_persistent_volume(const Object& object, const Object* old, Warnings& warnings);
void warn_of_csi_driver(const Object& object, const Object* old, Warnings& warnings);
void warn_of_storage_class(const Object& object, const Object* old, Warnings& warnings);
void warn_of_storage_capacity(const Object& object, const Object* old, Warnings& warnings);

// secrets.cc: a certificate and its key that do not belong together, in the words of Go's
// tls.X509KeyPair.
void warn_of_secret(const Object& object, const Object* old, Warnings& warnings);

}  // namespace tiphys::apiserver
