// How much of a disk a tree takes. The tree may be hostile and change meanwhile: no link is
// followed, no mount is crossed, any depth is measured, and the work is bounded. Thread-safe (no
// state); blocks for as long as the tree is large.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace tiphys::os {

struct TreeSizeLimits {
  int64_t enough_bytes = INT64_MAX;  // stops when that much is found
  int64_t max_entries = INT64_MAX;   // stops after that many names
};
struct TreeSize {
  int64_t bytes = 0;  // blocks that are taken, as du(1) counts them: a hard link once
  int64_t entries = 0;
  bool complete = true;  // false: a limit stopped it; there is at least this much
};
// Error: the folder can't be opened.
Result<TreeSize> tree_size(const std::string& folder, TreeSizeLimits limits = {});

}  // namespace tiphys::os
