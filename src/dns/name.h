// Name: a domain name in wire form (RFC 1035, 3.1), lower case, with the places of its labels.
// A plain value without allocations: one lives on the stack for each query. Pure.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tiphys::dns {

using Bytes = std::span<const uint8_t>;

inline constexpr size_t kMaxNameBytes = 255;
inline constexpr size_t kMaxLabels = 127;
inline constexpr size_t kMaxLabelBytes = 63;
inline constexpr size_t kHeaderBytes = 12;  // of a message; no name stands there
inline constexpr int kMaxPointers = 32;     // of one name; a longer chain is no name

enum class Compression : uint8_t { kRefused, kFollowed };

class Name {
 public:
  // "a.b", "a.b.", "" (the root). Nothing: a label is empty or too long, or the name is.
  static std::optional<Name> from_text(std::string_view text);
  // Reads the name at `position` of a message and moves `position` behind it. Pointers may only
  // lead backwards. Nothing: it is malformed.
  static std::optional<Name> read(Bytes message, size_t& position, Compression compression);

  size_t label_count() const { return count_; }
  // From the left, without its length.
  std::string_view label(size_t index) const {
    return {bytes_.data() + starts_[index] + 1, static_cast<uint8_t>(bytes_[starts_[index]])};
  }
  // Bytes from the label on to the root. Requires: index <= label_count().
  std::string_view wire_from(size_t index) const {
    size_t start = index == count_ ? size_ - 1u : starts_[index];
    return {bytes_.data() + start, size_ - start};
  }
  std::string_view wire() const { return {bytes_.data(), size_}; }
  // The place of a label in wire().
  size_t offset_of(size_t index) const { return index == count_ ? size_ - 1u : starts_[index]; }
  bool is_below_or_at(const Name& zone) const;
  std::string text() const;  // with the last dot; what isn't printable as \DDD
  bool operator==(const Name& other) const { return wire() == other.wire(); }

 private:
  bool append(std::string_view label);
  void finish() { bytes_[size_++] = 0; }

  std::array<char, kMaxNameBytes + 1> bytes_;
  std::array<uint8_t, kMaxLabels + 1> starts_;
  uint8_t size_ = 0;
  uint8_t count_ = 0;
};

// A name of these labels in wire form: "\3foo\3bar" for ("foo", "bar"); no root.
void append_label(std::string& out, std::string_view label);

}  // namespace tiphys::dns
