// Order of merged lists: items of the patch in the order given, the server's own in theirs.
// As normalizeElementOrder of k8s.io/apimachinery/pkg/util/strategicpatch. Pure.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "object/value.h"

namespace tiphys::apiserver {

// The items of a list by their merge key; without one, by their values.
class KeyIndex {
 public:
  KeyIndex(const Node& list, std::string_view merge_key);
  // Where the first item with the item's key stands, or -1.
  int find(const Value& item) const;
  // Takes in an item that was appended at the position; the first of a key stays.
  void add(const Value& item, int position);

 private:
  std::string key_text(const Value& item) const;
  std::string_view merge_key_;
  std::unordered_map<std::string, int> positions_;
};

// Puts `merged` in order: those also in `order` follow it, others follow `server`.
Value order_elements(Value merged, Value order, Value server, std::string_view merge_key,
                     Arena& arena);
// True if the items of `patch` occur in `order`, in the same relative order.
bool order_covers(const Node& patch, const Node& order, std::string_view merge_key);

}  // namespace tiphys::apiserver
