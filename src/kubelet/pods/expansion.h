// $(VAR) expansion in commands, arguments, environment and subPathExpr. Pure.
// Syntax: KEP-559 and k8s.io/kubernetes/third_party/forked/golang/expansion: "$(NAME)" is replaced
// if NAME is known and left as it is otherwise, "$$" is one "$", any other "$" stays.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::kubelet {

using Variables = std::map<std::string, std::string, std::less<>>;
// missing (may be null): names without a value, sorted.
std::string expand_variables(std::string_view text, const Variables& variables,
                             std::vector<std::string>* missing = nullptr);

}  // namespace tiphys::kubelet
