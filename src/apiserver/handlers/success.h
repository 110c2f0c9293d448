// The Status that subresources without an answer of their own give.
#pragma once
#include "apiserver/pipeline/answer.h"
#include "kinds/meta_v1.h"

namespace tiphys::apiserver {

inline Answer created_success() {
  constexpr int kCreated = 201;
  Draft draft = meta_v1::Status::make();
  meta_v1::StatusEdit status(draft);
  status.set_status("Success");
  status.set_code(kCreated);
  return Answer::of(draft.freeze(), kCreated);
}

}  // namespace tiphys::apiserver
