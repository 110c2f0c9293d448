#include "kubelet/pods/expansion.h"

namespace tiphys::kubelet {

std::string expand_variables(std::string_view text, const Variables& variables,
                             std::string* missing) {
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
      if (found != variables.end()) {
        out += found->second;
      } else {
        if (missing && missing->empty()) *missing = name;
        out += text.substr(i, close - i + 1);
      }
      i = close;
    }
  }
  return out;
}

}  // namespace tiphys::kubelet
