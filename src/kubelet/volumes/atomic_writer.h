// Atomic updates of a volume's files: readers see the old set or the new one, never a mix.
//
// Layout (upstream's pkg/volume/util/atomic_writer.go, which applications rely on):
//   <dir>/..2026_11_23_20_13_00.123456/a/b   the files
//   <dir>/..data -> ..2026_...               replaced by rename
//   <dir>/a -> ..data/a                      one link a top-level name
// Blocks; any thread, one writer a folder.
#pragma once
#include <set>

#include "kubelet/volumes/payload.h"

namespace tiphys::kubelet {

struct PayloadTarget {
  std::string folder;
  int64_t gid = -1;            // >= 0: the fsGroup, which files are readable for
  std::set<std::string> keep;  // top-level names that are others' (mount points of nested volumes)
};
// True: something changed.
// Requires: payload paths passed check_payload_path().
Result<bool> write_payload(const PayloadTarget& target, const Payload& payload, MicroTime now);

}  // namespace tiphys::kubelet
