// The PEM that signers put into certificate signing requests. Pure.
#pragma once
#include <string>
#include <string_view>

namespace tiphys::apiserver {

// "" if the text is empty or holds one or more certificates and nothing else that is PEM; else what
// is wrong, as upstream's validation says it.
std::string certificate_pem_problem(std::string_view pem);

}  // namespace tiphys::apiserver
