// Paths inside a folder that others write to: resolved by the kernel (openat2, RESOLVE_BENEATH) so
// that no symbolic link leads out of it; one that is absolute may lead to a place inside.
// Thread-safe (no state).
#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "os/files.h"

namespace tiphys::os {

// Opens (O_PATH) `relative` below `folder`; missing folders are created with create_mode if there
// is one.
// Errors: it leads outside ("Invalid cross-device link"), is absent, or can't be made.
Result<Fd> open_beneath(const std::string& folder, const std::string& relative,
                        std::optional<int> create_mode);

// Opens (O_PATH) `relative` wherever links lead, absolute ones too, as long as it ends inside
// `folder`: judged by where the opened file really is, so that no race leads out.
// Errors: NotFound (absent, or it ends outside); Forbidden; others.
Result<Fd> open_inside(const std::string& folder, const std::string& relative);
// Opens again, for reading, what an O_PATH descriptor stands for.
Result<Fd> reopen_for_reading(const Fd& path);

}  // namespace tiphys::os
