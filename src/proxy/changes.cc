#include "proxy/changes.h"

#include <map>

namespace tiphys::proxy {
namespace {

// One command carries all elements of a map. What goes is named by its key.
std::string commands(const std::string& verb, const std::string& table,
                     const std::vector<ElementChange>& changes) {
  bool values = verb == "add";
  std::map<std::string, std::string> lists;
  for (const ElementChange& change : changes) {
    std::string& list = lists[change.map];
    if (!list.empty()) list += ", ";
    list += change.key;
    if (values && !change.value.empty()) list += " : " + change.value;
  }
  std::string out;
  for (const auto& [map, list] : lists) {
    out += verb + " element " + table + " " + map + " { " + list + " }\n";
  }
  return out;
}

}  // namespace

std::string Changes::text(const std::string& table) const {
  return flush + commands("delete", table, removed) + drop + make + fill +
         commands("add", table, added);
}

}  // namespace tiphys::proxy
