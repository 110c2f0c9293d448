#include "apiserver/table/table.h"

#include "apiserver/table/printers.h"
#include "base/strings.h"
#include "base/time_math.h"
#include "codec/codec.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kDefaultColumns[] = {kNameColumn, {"Created At", "date"}};

void print_default(const Object& object, MicroTime, Cells& cells) {
  cells.text(name_of(object));
  cells.date(metadata(object).creation_timestamp());
}

constexpr TablePrinter kDefaultPrinter = {kDefaultColumns, print_default};

std::string unit(int64_t value, char suffix) { return std::to_string(value) + suffix; }

std::string two_units(int64_t big, char big_suffix, int64_t small, char small_suffix) {
  return small == 0 ? unit(big, big_suffix) : unit(big, big_suffix) + unit(small, small_suffix);
}

// What the columns mean, in few words.
std::string_view description_of(std::string_view column) {
  if (column == "Name") return "Name of the object, unique in its namespace";
  if (column == "Age") return "Time since the object was created";
  if (column == "Created At") return "When the object was created";
  return column;
}

}  // namespace

void Cells::next() {
  if (!json_.empty()) json_ += ',';
}

void Cells::text(std::string_view value) {
  next();
  codec::append_json_string(value, json_);
}

void Cells::number(int64_t value) {
  next();
  json_ += std::to_string(value);
}

void Cells::boolean(bool value) {
  next();
  json_ += value ? "true" : "false";
}

void Cells::age(MicroTime since, MicroTime now) {
  text(since == 0 ? "<unknown>" : human_duration(time_between(since, now)));
}

void Cells::date(MicroTime time) {
  if (time != 0) return text(format_rfc3339(time));
  next();
  json_ += "null";
}

const TablePrinter& table_printer(const schema::Message& type) {
  for (auto rows : {core_printers(), workload_printers(), policy_printers(), network_printers(),
                    cluster_printers(), computed_printers()}) {
    for (const PrinterRow& row : rows) {
      if (row.type == &type) return row.printer;
    }
  }
  return kDefaultPrinter;
}

std::string column_definitions_json(const TablePrinter& printer) {
  std::string json = "[";
  for (const Column& column : printer.columns) {
    if (json.size() > 1) json += ',';
    json += "{\"name\":";
    codec::append_json_string(column.name, json);
    json += ",\"type\":";
    codec::append_json_string(column.type, json);
    json += ",\"format\":";
    codec::append_json_string(column.format, json);
    json += ",\"description\":";
    codec::append_json_string(description_of(column.name), json);
    json += ",\"priority\":" + std::to_string(column.priority) + "}";
  }
  return json + "]";
}

std::string human_duration(Duration duration) {
  int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 60 * 2) return unit(seconds, 's');
  int64_t minutes = seconds / 60;
  if (minutes < 10) return two_units(minutes, 'm', seconds % 60, 's');
  if (minutes < 60 * 3) return unit(minutes, 'm');
  int64_t hours = minutes / 60;
  if (hours < 8) return two_units(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return unit(hours, 'h');
  if (hours < 24 * 8) return two_units(hours / 24, 'd', hours % 24, 'h');
  if (hours < 24 * 365 * 2) return unit(hours / 24, 'd');
  if (hours < 24 * 365 * 8) return two_units(hours / 24 / 365, 'y', hours / 24 % 365, 'd');
  return unit(hours / 24 / 365, 'y');
}

// ---- parts ----

std::string or_none(std::string_view text) { return std::string(text.empty() ? "<none>" : text); }

std::string format_labels(const MapView<std::string_view>& labels) {
  std::string out;
  for (auto [key, value] : labels) {
    if (!out.empty()) out += ',';
    out.append(key).append("=").append(value);
  }
  return or_none(out);
}

std::string format_selector(meta_v1::LabelSelector selector) {
  std::multimap<std::string, std::string> requirements;  // by key
  for (auto [key, value] : selector.match_labels()) {
    requirements.emplace(key, std::string(key) + "=" + std::string(value));
  }
  for (meta_v1::LabelSelectorRequirement requirement : selector.match_expressions()) {
    std::string key(requirement.key());
    std::string_view op = requirement.operator_();
    if (op == "Exists") requirements.emplace(key, key);
    if (op == "DoesNotExist") requirements.emplace(key, "!" + key);
    if (op != "In" && op != "NotIn") continue;
    std::vector<std::string> values;
    for (std::string_view value : requirement.values()) values.emplace_back(value);
    std::sort(values.begin(), values.end());
    std::string text = key + (op == "In" ? " in (" : " notin (") + join(values, ",") + ")";
    requirements.emplace(key, std::move(text));
  }
  std::vector<std::string> parts;
  for (auto& [key, text] : requirements) parts.push_back(std::move(text));
  return or_none(join(parts, ","));
}

std::string container_names(core_v1::PodSpec spec) {
  std::string out;
  for (core_v1::Container container : spec.containers()) {
    if (!out.empty()) out += ',';
    out += container.name();
  }
  return out;
}

std::string container_images(core_v1::PodSpec spec) {
  std::string out;
  for (core_v1::Container container : spec.containers()) {
    if (!out.empty()) out += ',';
    out += container.image();
  }
  return out;
}

std::string listed(const std::vector<std::string>& items, size_t most) {
  std::vector<std::string> shown(
      items.begin(), items.begin() + static_cast<ptrdiff_t>(std::min(items.size(), most)));
  std::string out = join(shown, ",");
  if (items.size() > most) out += " + " + std::to_string(items.size() - most) + " more...";
  return out;
}

}  // namespace tiphys::apiserver
