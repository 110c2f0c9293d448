// The printers of the kinds, by group; see table.h. table.cc looks them up.
#pragma once
#include "apiserver/table/table.h"
#include "kinds/core_v1.h"
#include "kinds/meta_v1.h"
#include "kinds/view.h"

namespace tiphys::apiserver {

struct PrinterRow {
  const schema::Message* type;
  TablePrinter printer;
};

std::span<const PrinterRow> core_printers();
std::span<const PrinterRow> workload_printers();
std::span<const PrinterRow> policy_printers();
std::span<const PrinterRow> network_printers();
std::span<const PrinterRow> cluster_printers();
std::span<const PrinterRow> computed_printers();

// Parts that several kinds print.
std::string or_none(std::string_view text);                          // "<none>" if empty
std::string format_labels(const MapView<std::string_view>& labels);  // "a=b,c=d" or "<none>"
// Go's metav1.FormatLabelSelector: "<none>" if empty.
std::string format_selector(meta_v1::LabelSelector selector);
std::string container_names(core_v1::PodSpec spec);
std::string container_images(core_v1::PodSpec spec);
// At most `most` items, then " + N more...".
std::string listed(const std::vector<std::string>& items, size_t most);

inline constexpr Column kNameColumn = {"Name", "string", 0, "name"};
inline constexpr Column kAgeColumn = {"Age"};

}  // namespace tiphys::apiserver
