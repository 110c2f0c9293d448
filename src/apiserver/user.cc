#include "apiserver/user.h"

#include <algorithm>

namespace tiphys::apiserver {

bool UserInfo::in_group(std::string_view group) const {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

}  // namespace tiphys::apiserver
