#include "apiserver/validation/names.h"

#include <algorithm>

#include "base/strings.h"
#include "kinds/ip_address.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kLabelBytes = 63;
constexpr size_t kSubdomainBytes = 253;
constexpr size_t kPortNameBytes = 15;

constexpr char kLabelRegex[] = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr char kQualifiedRegex[] = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_lower(c) || is_digit(c); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

// [a-z0-9]([-a-z0-9]*[a-z0-9])?
bool matches_label(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  for (char c : text) {
    if (!is_lower_alnum(c) && c != '-') return false;
  }
  return true;
}

bool matches_subdomain(std::string_view text) {
  for (std::string_view part : split(text, '.')) {
    if (!matches_label(part)) return false;
  }
  return true;
}

bool matches_qualified(std::string_view text) {
  if (text.empty() || !is_alnum(text.front()) || !is_alnum(text.back())) return false;
  for (char c : text) {
    if (!is_alnum(c) && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

std::string max_length(size_t bytes) {
  return "must be no more than " + std::to_string(bytes) + " characters";
}

std::string regex_message(std::string_view what, std::string_view regex,
                          std::initializer_list<std::string_view> examples) {
  std::string message(what);
  message += " (e.g. ";
  bool first = true;
  for (std::string_view example : examples) {
    if (!first) message += " or ";
    first = false;
    message += "'" + std::string(example) + "', ";
  }
  return message + "regex used for validation is '" + std::string(regex) + "')";
}

std::string subdomain_message() {
  std::string regex = std::string(kLabelRegex) + "(\\." + kLabelRegex + ")*";
  return regex_message(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
      "'.', and must start and end with an alphanumeric character",
      regex, {"example.com"});
}

constexpr char kQualifiedText[] =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character";

std::string qualified_message() {
  return regex_message(kQualifiedText, kQualifiedRegex, {"MyName", "my.name", "123-abc"});
}

// A generateName prefix may end in '-': what is appended makes it whole.
std::string mask_trailing_dash(std::string_view text) {
  std::string masked(text);
  if (masked.size() > 1 && masked.back() == '-') masked[masked.size() - 1] = 'a';
  if (masked.size() > 1 && masked[masked.size() - 2] == '-' && text.back() == '-') {
    masked[masked.size() - 2] = 'a';
  }
  return masked;
}

}  // namespace

Messages check_dns1123_label(std::string_view text) {
  Messages messages;
  if (text.size() > kLabelBytes) messages.push_back(max_length(kLabelBytes));
  if (!matches_label(text)) {
    if (matches_subdomain(text)) {
      messages.push_back("must not contain dots");
    } else {
      messages.push_back(regex_message(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
          "and must start and end with an alphanumeric character",
          kLabelRegex, {"my-name", "123-abc"}));
    }
  }
  return messages;
}

Messages check_dns1123_subdomain(std::string_view text) {
  Messages messages;
  if (text.size() > kSubdomainBytes) messages.push_back(max_length(kSubdomainBytes));
  if (!matches_subdomain(text)) messages.push_back(subdomain_message());
  return messages;
}

Messages check_dns1035_label(std::string_view text) {
  Messages messages;
  if (text.size() > kLabelBytes) messages.push_back(max_length(kLabelBytes));
  if (!matches_label(text) || !is_lower(text.front())) {
    messages.push_back(regex_message(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
        "an alphabetic character, and end with an alphanumeric character",
        "[a-z]([-a-z0-9]*[a-z0-9])?", {"my-name", "abc-123"}));
  }
  return messages;
}

Messages check_qualified_name(std::string_view text) {
  Messages messages;
  std::vector<std::string_view> parts = split(text, '/');
  std::string_view name = parts.back();
  if (parts.size() > 2) {
    return {"a qualified name " + qualified_message() +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  if (parts.size() == 2) {
    if (parts[0].empty()) {
      messages.push_back("prefix part must be non-empty");
    } else {
      for (const std::string& message : check_dns1123_subdomain(parts[0])) {
        messages.push_back("prefix part " + message);
      }
    }
  }
  if (name.empty()) {
    messages.push_back("name part must be non-empty");
  } else if (name.size() > kLabelBytes) {
    messages.push_back("name part " + max_length(kLabelBytes));
  }
  if (!matches_qualified(name)) messages.push_back("name part " + qualified_message());
  return messages;
}

Messages check_label_value(std::string_view text) {
  Messages messages;
  if (text.size() > kLabelBytes) messages.push_back(max_length(kLabelBytes));
  if (!text.empty() && !matches_qualified(text)) {
    messages.push_back(regex_message(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character",
        "(" + std::string(kQualifiedRegex) + ")?", {"MyValue", "my_value", "12345"}));
  }
  return messages;
}

Messages check_subdomain_with_underscore(std::string_view text) {
  Messages messages;
  if (text.size() > kSubdomainBytes) messages.push_back(max_length(kSubdomainBytes));
  std::string plain(text);
  // An underscore may stand wherever a letter may.
  std::ranges::replace(plain, '_', 'a');
  if (!matches_subdomain(plain)) {
    constexpr std::string_view kLabel = "[a-z0-9_]([-_a-z0-9]*[a-z0-9_])?";
    messages.push_back(regex_message(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', "
        "'-' or '.', and must start and end with an alphanumeric character",
        std::string(kLabel) + "(\\." + std::string(kLabel) + ")*", {"example.com"}));
  }
  return messages;
}

Messages check_http_header_name(std::string_view text) {
  bool valid = !text.empty();
  for (char c : text) valid = valid && (is_alnum(c) || c == '-');
  if (valid) return {};
  return {regex_message("a valid HTTP header must consist of alphanumeric characters or '-'",
                        "[-A-Za-z0-9]+", {"X-Header-Name"})};
}

Messages check_user_or_group_id(int64_t id) {
  if (id >= 0 && id <= INT32_MAX) return {};
  return {"must be between 0 and 2147483647, inclusive"};
}

Messages check_env_var_name(std::string_view text) {
  Messages messages;
  if (text.empty()) messages.push_back("environment variable name must be non-empty");
  bool valid = true;
  for (char c : text) valid = valid && c >= 0x20 && c <= 0x7e && c != '=';
  if (!valid) {
    messages.push_back(
        "a valid environment variable name must consist only of printable ASCII characters "
        "other than '='");
  }
  return messages;
}

Messages check_config_map_key(std::string_view text) {
  Messages messages;
  if (text.size() > kSubdomainBytes) messages.push_back(max_length(kSubdomainBytes));
  bool valid = !text.empty();
  for (char c : text) valid = valid && (is_alnum(c) || c == '-' || c == '_' || c == '.');
  if (!valid) {
    messages.push_back(
        regex_message("a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
                      "[-._a-zA-Z0-9]+", {"key.name", "KEY_NAME", "key-name"}));
  }
  if (text == ".") {
    messages.push_back("must not be '.'");
  } else if (text == "..") {
    messages.push_back("must not be '..'");
  } else if (text.starts_with("..")) {
    messages.push_back("must not start with '..'");
  }
  return messages;
}

Messages check_port_number(int64_t port) {
  if (port >= 1 && port <= 65535) return {};
  return {"must be between 1 and 65535, inclusive"};
}

Messages check_port_name(std::string_view text) {
  Messages messages;
  if (text.size() > kPortNameBytes) messages.push_back(max_length(kPortNameBytes));
  bool charset = !text.empty();
  bool letter = false;
  for (char c : text) {
    charset = charset && (is_lower_alnum(c) || c == '-');
    letter = letter || is_lower(c);
  }
  if (!charset) {
    messages.push_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!letter) messages.push_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos) {
    messages.push_back("must not contain consecutive hyphens");
  }
  if (!text.empty() && (text.front() == '-' || text.back() == '-')) {
    messages.push_back("must not begin or end with a hyphen");
  }
  return messages;
}

Messages check_condition_reason(std::string_view text) {
  auto is_letter = [](char c) { return is_alnum(c) && !is_digit(c); };
  bool valid =
      !text.empty() && is_letter(text.front()) && (is_alnum(text.back()) || text.back() == '_');
  for (char c : text) valid = valid && (is_alnum(c) || c == '_' || c == ',' || c == ':');
  if (valid) return {};
  return {regex_message(
      "a condition reason must start with alphabetic character, optionally followed by a string "
      "of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
      "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
      {"my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"})};
}

Messages check_percent(std::string_view text) {
  bool valid = text.size() > 1 && text.back() == '%';
  for (char c : text.substr(0, text.empty() ? 0 : text.size() - 1)) valid = valid && is_digit(c);
  if (valid) return {};
  return {regex_message("a valid percent string must be a numeric string followed by an ending '%'",
                        "[0-9]+%", {"1%", "93%"})};
}

Messages check_wildcard_subdomain(std::string_view text) {
  if (text.starts_with("*.") && matches_subdomain(text.substr(2))) return {};
  return {regex_message(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, "
      "which must consist of lower case alphanumeric characters, '-' or '.' and end with an "
      "alphanumeric character",
      "\\*\\." + std::string(kLabelRegex) + "(\\." + kLabelRegex + ")*", {"*.example.com"})};
}

Messages check_ip(std::string_view text) {
  if (parse_ip(text)) return {};
  return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
}

Messages check_cidr(std::string_view text) {
  if (parse_cidr(text)) return {};
  return {"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"};
}

Messages check_path_segment(std::string_view text) {
  if (text == ".") return {"may not be '.'"};
  if (text == "..") return {"may not be '..'"};
  Messages messages;
  for (std::string_view bad : {"/", "%"}) {
    if (text.find(bad) != std::string_view::npos) {
      messages.push_back("may not contain '" + std::string(bad) + "'");
    }
  }
  return messages;
}

Messages check_name_is_subdomain(std::string_view text, bool prefix) {
  return prefix ? check_dns1123_subdomain(mask_trailing_dash(text)) : check_dns1123_subdomain(text);
}

Messages check_name_is_dns1123_label(std::string_view text, bool prefix) {
  return prefix ? check_dns1123_label(mask_trailing_dash(text)) : check_dns1123_label(text);
}

Messages check_name_is_dns1035_label(std::string_view text, bool prefix) {
  return prefix ? check_dns1035_label(mask_trailing_dash(text)) : check_dns1035_label(text);
}

}  // namespace tiphys::apiserver
