#include "dns/name.h"

#include <cstdio>

namespace tiphys::dns {

namespace {

constexpr uint8_t kPointerBits = 0xC0;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

bool Name::append(std::string_view label) {
  // One byte is kept for the root.
  if (label.empty() || label.size() > kMaxLabelBytes || count_ == kMaxLabels ||
      size_ + 1 + label.size() + 1 > kMaxNameBytes) {
    return false;
  }
  starts_[count_++] = size_;
  bytes_[size_++] = static_cast<char>(label.size());
  for (char c : label) bytes_[size_++] = lower(c);
  return true;
}

std::optional<Name> Name::from_text(std::string_view text) {
  Name name;
  if (text.ends_with('.')) text.remove_suffix(1);
  while (!text.empty()) {
    size_t dot = text.find('.');
    if (!name.append(text.substr(0, dot)) || dot + 1 == text.size()) return std::nullopt;
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  name.finish();
  return name;
}

std::optional<Name> Name::read(Bytes message, size_t& position, Compression compression) {
  Name name;
  size_t at = position;
  int pointers = 0;
  while (at < message.size()) {
    uint8_t length = message[at];
    if (length == 0) {
      if (pointers == 0) position = at + 1;
      name.finish();
      return name;
    }
    if ((length & kPointerBits) == kPointerBits) {
      if (compression == Compression::kRefused || at + 1 >= message.size()) break;
      size_t target = static_cast<size_t>(length & 0x3F) << 8 | message[at + 1];
      if (pointers == 0) position = at + 2;
      if (target >= at || target < kHeaderBytes || ++pointers > kMaxPointers) break;
      at = target;
      continue;
    }
    if (length > kMaxLabelBytes || at + 1 + length > message.size()) break;
    const char* label = reinterpret_cast<const char*>(message.data() + at + 1);
    if (!name.append({label, length})) break;
    at += 1u + length;
  }
  return std::nullopt;
}

bool Name::is_below_or_at(const Name& zone) const {
  return count_ >= zone.count_ && wire_from(count_ - zone.count_) == zone.wire();
}

std::string Name::text() const {
  std::string out;
  for (size_t i = 0; i < count_; ++i) {
    for (char c : label(i)) {
      bool plain = c > ' ' && c < 0x7F && c != '.' && c != '\\';
      char escaped[5];
      std::snprintf(escaped, sizeof escaped, "\\%03u", static_cast<uint8_t>(c));
      out += plain ? std::string(1, c) : escaped;
    }
    out += '.';
  }
  return out.empty() ? "." : out;
}

void append_label(std::string& out, std::string_view label) {
  out += static_cast<char>(label.size());
  out += label;
}

}  // namespace tiphys::dns
