// Policy files: whatever is read is a policy with rules, and can be asked.
#include <cstdlib>

#include "apiserver/audit/policy_file.h"

using namespace tiphys::apiserver;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto loaded = audit::parse_policy(text);
  if (!loaded) return 0;
  if (loaded->policy.rules.empty()) abort();
  UserInfo user;
  Attributes attributes;
  attributes.is_resource = size % 2 == 0;
  attributes.verb = "get";
  attributes.resource = "pods";
  attributes.subresource = "log";
  attributes.path = "/healthz";
  (void)audit::evaluate(loaded->policy, user, attributes);
  return 0;
}
