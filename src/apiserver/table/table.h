// Tables: what `kubectl get` prints, as the server side makes it: columns and cells per kind.
//
// Columns, order and texts are upstream's (pkg/printers/internalversion at v1.35); descriptions are
// our own words. A kind without a row here has Name and Created At. Pure.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "object/object.h"

namespace tiphys::apiserver {

struct Column {
  std::string_view name;
  std::string_view type = "string";  // string, integer, boolean, date
  int priority = 0;                  // 1: only in wide output
  std::string_view format = "";      // "name" for the name column
};

// Cells of one row, as JSON values separated by commas.
class Cells {
 public:
  void text(std::string_view value);
  void number(int64_t value);
  void boolean(bool value);
  // "5m", "<unknown>" for 0: how long ago.
  void age(MicroTime since, MicroTime now);
  void date(MicroTime time);  // RFC 3339, or null
  const std::string& json() const { return json_; }

 private:
  void next();
  std::string json_;
};

struct TablePrinter {
  std::span<const Column> columns;
  void (*print)(const Object& object, MicroTime now, Cells& cells);
  // The row's conditions as a JSON array; null or empty text: none.
  std::string_view (*conditions)(const Object& object) = nullptr;
};

// Never fails: the default printer serves every kind.
const TablePrinter& table_printer(const schema::Message& type);

// The columnDefinitions array as JSON.
std::string column_definitions_json(const TablePrinter& printer);

// Go's duration.HumanDuration: "15s", "3m20s", "2d3h".
std::string human_duration(Duration duration);

}  // namespace tiphys::apiserver
