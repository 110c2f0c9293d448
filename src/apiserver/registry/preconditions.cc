#include "apiserver/registry/preconditions.h"

namespace tiphys::apiserver {
namespace {

std::string mismatch(const std::string& what, const std::string& wanted, std::string_view have) {
  if (wanted.empty() || wanted == have) return "";
  return "Precondition failed: " + what + " in precondition: " + wanted + ", " + what +
         " in object meta: " + std::string(have);
}

}  // namespace

std::string failed_precondition(const Preconditions& wanted, const MetaView& have) {
  std::string uid = mismatch("UID", wanted.uid, have.uid());
  if (!uid.empty()) return uid;
  return mismatch("ResourceVersion", wanted.resource_version, have.resource_version());
}

}  // namespace tiphys::apiserver
