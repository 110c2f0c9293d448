#include "apiserver/authn/token_file.h"

#include "base/strings.h"
#include "crypto/jwt.h"

namespace tiphys::apiserver {
namespace {

// Go's encoding/csv with its defaults: records by line, quotes double inside quotes.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : rest_(text) {}
  int line() const { return line_; }
  bool at_end() const { return rest_.empty(); }

  // The next record's fields; empty for an empty line. Nothing: a quoting mistake.
  std::optional<std::vector<std::string>> record() {
    line_++;
    std::vector<std::string> fields;
    if (take_line_end()) return fields;
    while (true) {
      auto field = next_field();
      if (!field) return std::nullopt;
      fields.push_back(std::move(*field));
      if (rest_.empty() || take_line_end()) return fields;
      if (rest_[0] != ',') return std::nullopt;
      rest_.remove_prefix(1);
    }
  }

 private:
  bool take_line_end() {
    if (rest_.starts_with("\r\n")) return rest_.remove_prefix(2), true;
    if (rest_.starts_with('\n')) return rest_.remove_prefix(1), true;
    return false;
  }

  std::optional<std::string> next_field() {
    if (rest_.starts_with('"')) return quoted_field();
    size_t end = rest_.find_first_of(",\n");
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(field.size());
    if (rest_.starts_with('\n') && field.ends_with('\r')) field.pop_back();
    if (field.find('"') != field.npos) return std::nullopt;
    return field;
  }

  std::optional<std::string> quoted_field() {
    std::string field;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_[0];
      rest_.remove_prefix(1);
      if (c == '\n') line_++;
      if (c != '"') {
        field += c;
      } else if (rest_.starts_with('"')) {
        field += '"';
        rest_.remove_prefix(1);
      } else {
        return field;
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
  int line_ = 0;
};

}  // namespace

Result<TokenFile> TokenFile::parse(std::string_view csv) {
  TokenFile result;
  CsvReader reader(csv);
  while (!reader.at_end()) {
    auto fields = reader.record();
    std::string at = "token file, line " + std::to_string(reader.line()) + ": ";
    if (!fields) return ApiStatus::internal(at + "bad quoting");
    if (fields->empty()) continue;
    if (fields->size() < 3) {
      return ApiStatus::internal(at +
                                 "must have at least 3 columns (token, user name, user uid), " +
                                 "found " + std::to_string(fields->size()));
    }
    if ((*fields)[0].empty()) continue;
    UserInfo user{.name = (*fields)[1], .uid = (*fields)[2], .groups = {}, .extra = {}};
    if (fields->size() >= 4 && !(*fields)[3].empty()) {
      for (std::string_view group : split((*fields)[3], ',')) user.groups.emplace_back(group);
    }
    result.users_[crypto::sha256((*fields)[0])] = std::move(user);
  }
  return result;
}

std::optional<UserInfo> TokenFile::find(std::string_view token) const {
  if (users_.empty()) return std::nullopt;
  auto found = users_.find(crypto::sha256(token));
  if (found == users_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tiphys::apiserver
