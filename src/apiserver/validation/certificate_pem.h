// PEM texts of certificates, as signers put them into certificate signing requests. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tiphys::apiserver {

// "" if the text is empty or holds one or more certificates and nothing else that is PEM; else what
// is wrong, as upstream's validation says it.
std::string certificate_pem_problem(std::string_view pem);

struct PemBlock {
  std::string_view type;
  std::string_view body;  // between the two lines
  std::string_view all;
};

// Takes the next block off the text; nothing: no more.
std::optional<PemBlock> next_pem_block(std::string_view& text);

}  // namespace tiphys::apiserver
