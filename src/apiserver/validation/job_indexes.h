// Lists of the indexes of an Indexed Job, as text: "1,3-5,7". Pure.
// Upstream: validateIndexesFormat of pkg/apis/batch/validation.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tiphys::apiserver {

// How many indexes the text names, all below `completions`, in increasing order. Errors are
// BadRequest with upstream's words.
Result<int64_t> count_job_indexes(std::string_view text, int64_t completions);
// The first index that both lists name, as an error; malformed parts are passed over.
Result<void> job_indexes_apart(std::string_view completed, std::string_view failed,
                               int64_t completions);

}  // namespace tiphys::apiserver
