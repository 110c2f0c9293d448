// Printers of metrics.k8s.io. After metrics-server's pkg/api/table.go.
#include "apiserver/table/printers.h"
#include "kinds/metrics_v1beta1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

constexpr Column kMetrics[] = {kNameColumn,
                               {"cpu", "string", 0, "quantity"},
                               {"memory", "string", 0, "quantity"},
                               {"Window", "string", 0, "duration"}};

void print_node(const Object& object, MicroTime, Cells& cells) {
  metrics_v1beta1::NodeMetrics item(object);
  cells.text(item.metadata().name());
  cells.text(item.usage().find("cpu"));
  cells.text(item.usage().find("memory"));
  cells.text(format_go_duration(Duration(item.window())));
}

void print_pod(const Object& object, MicroTime, Cells& cells) {
  metrics_v1beta1::PodMetrics item(object);
  Quantity cpu;
  Quantity memory;
  for (metrics_v1beta1::ContainerMetrics container : item.containers()) {
    cpu += Quantity::of(container.usage().find("cpu"));
    memory += Quantity::of(container.usage().find("memory"));
  }
  cells.text(item.metadata().name());
  cells.text(cpu.text());
  cells.text(memory.text());
  cells.text(format_go_duration(Duration(item.window())));
}

}  // namespace

std::span<const PrinterRow> metrics_printers() {
  static const PrinterRow kRows[] = {
      {&metrics_v1beta1::NodeMetrics::message(), {kMetrics, print_node}},
      {&metrics_v1beta1::PodMetrics::message(), {kMetrics, print_pod}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
