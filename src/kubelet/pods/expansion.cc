#include "kubelet/pods/expansion.h"

#include <algorithm>

namespace tiphys::kubelet {
namespace {

void note(std::vector<std::string>& names, std::string_view name) {
  auto at = std::lower_bound(names.begin(), names.end(), name);
  if (at == names.end() || *at != name) names.insert(at, std::string(name));
}

}  // namespace

std::string expand_variables(std::string_view text, const Variables& variables,
                             std::vector<std::string>* missing) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char next = text[i + 1];
    size_t close = next == '(' ? text.find(')', i) : std::string_view::npos;
    if (next == '$') {
      out += '$';
      ++i;
    } else if (next != '(') {
      out += '$';
      out += next;
      ++i;
    } else if (close == std::string_view::npos) {
      out += "$(";
      ++i;
    } else {
      std::string_view name = text.substr(i + 2, close - i - 2);
      auto found = variables.find(name);
      bool known = found != variables.end() && !found->second.empty();
      if (missing && !known) note(*missing, name);
      if (found != variables.end()) {
        out += found->second;
      } else {
        out += text.substr(i, close - i + 1);
      }
      i = close;
    }
  }
  return out;
}

}  // namespace tiphys::kubelet
