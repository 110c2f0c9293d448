#include "apiserver/registry/aggregate.h"

#include <set>

#include "base/strings.h"

namespace tiphys::apiserver {

std::string aggregate_text(const FieldErrors& errors) {
  std::set<std::string> seen;
  std::vector<std::string> texts;
  for (const StatusCause& cause : errors.causes()) {
    std::string text = cause.field + ": " + cause.message;
    if (seen.insert(text).second) texts.push_back(std::move(text));
  }
  return texts.size() == 1 ? texts.front() : "[" + join(texts, ", ") + "]";
}

}  // namespace tiphys::apiserver
