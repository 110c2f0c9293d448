#include "main/node_name.h"

#include <unistd.h>

#include "base/strings.h"

namespace tiphys {

std::string node_name(const std::string& override_name) {
  if (!override_name.empty()) return override_name;
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return to_lower(name);
}

}  // namespace tiphys
