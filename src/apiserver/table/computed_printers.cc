// Printers of kinds that are computed: metrics.k8s.io, after metrics-server's pkg/api/table.go, and
// scheduling.tiphys.io.
#include "apiserver/table/printers.h"
#include "kinds/metrics_v1beta1.h"
#include "kinds/tiphys_v1.h"
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

constexpr Column kPlacement[] = {kNameColumn, {"Node"}, {"Feasible"}, {"Message"}};

void print_placement(const Object& object, MicroTime, Cells& cells) {
  tiphys_v1::PodPlacement item(object);
  int feasible = 0;
  for (tiphys_v1::NodePlacement node : item.nodes()) feasible += node.feasible() ? 1 : 0;
  cells.text(item.metadata().name());
  cells.text(or_none(item.node_name()));
  cells.text(std::to_string(feasible) + "/" + std::to_string(item.nodes().size()));
  cells.text(item.message());
}

}  // namespace

std::span<const PrinterRow> computed_printers() {
  static const PrinterRow kRows[] = {
      {&metrics_v1beta1::NodeMetrics::message(), {kMetrics, print_node}},
      {&metrics_v1beta1::PodMetrics::message(), {kMetrics, print_pod}},
      {&tiphys_v1::PodPlacement::message_type(), {kPlacement, print_placement}},
  };
  return kRows;
}

}  // namespace tiphys::apiserver
