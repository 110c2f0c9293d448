#include "apiserver/validation/certificate_pem.h"

#include "base/strings.h"
#include "crypto/certificate.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kDashes = "-----";

}  // namespace

std::optional<PemBlock> next_pem_block(std::string_view& text) {
  while (true) {
    size_t begin = text.find(kBegin);
    if (begin == text.npos) return std::nullopt;
    size_t name = begin + kBegin.size();
    size_t name_end = text.find(kDashes, name);
    size_t line_end = text.find('\n', name);
    bool starts_line = begin == 0 || text[begin - 1] == '\n';
    if (!starts_line || name_end == text.npos || line_end == text.npos || name_end > line_end) {
      text.remove_prefix(name);
      continue;
    }
    PemBlock block;
    block.type = text.substr(name, name_end - name);
    std::string end = "-----END " + std::string(block.type) + std::string(kDashes);
    size_t body_end = text.find(end, line_end);
    if (body_end == text.npos) return std::nullopt;
    block.body = text.substr(line_end + 1, body_end - line_end - 1);
    block.all = text.substr(begin, body_end + end.size() - begin);
    text.remove_prefix(body_end + end.size());
    return block;
  }
}

std::string certificate_pem_problem(std::string_view pem) {
  if (pem.empty()) return "";
  size_t blocks = 0;
  while (auto block = next_pem_block(pem)) {
    if (block->type != "CERTIFICATE") {
      return "only CERTIFICATE PEM blocks are allowed, found " + go_quote(block->type);
    }
    if (block->body.find(':') != block->body.npos) return "no PEM block headers are permitted";
    ++blocks;
    auto parsed = crypto::Certificate::from_pem(std::string(block->all) + "\n");
    if (!parsed) return parsed.error().message();
  }
  return blocks == 0 ? "must contain at least one CERTIFICATE PEM block" : "";
}

}  // namespace tiphys::apiserver
