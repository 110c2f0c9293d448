// What one pod of usual size costs: decode, freeze, encode, in each format; and its memory.
#include <benchmark/benchmark.h>

#include <fstream>

#include "codec/codec.h"

namespace {

using namespace tiphys;
using namespace tiphys::codec;

// Run from the project's root.
Draft pod() {
  std::ifstream in("src/codec/testdata/bench/pod.json");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return std::move(*decode_object(Format::kJson, text, nullptr, nullptr));
}

std::string encoded(Format format) {
  Draft draft = pod();
  std::string out;
  encode_object(format, draft.type(), draft.root(), draft.gvk(), out);
  return out;
}

void decode(benchmark::State& state, Format format, bool strict) {
  std::string text = encoded(format);
  for (auto _ : state) {
    DecodeNotes notes;
    auto draft = decode_object(format, text, nullptr, strict ? &notes : nullptr);
    benchmark::DoNotOptimize(draft);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void encode(benchmark::State& state, Format format) {
  Draft draft = pod();
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_object(format, draft.type(), draft.root(), draft.gvk(), out);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * out.size()));
}

void freeze(benchmark::State& state) {
  Draft draft = pod();
  for (auto _ : state) benchmark::DoNotOptimize(draft.freeze());
  state.counters["object_bytes"] = static_cast<double>(draft.freeze()->memory());
  state.counters["json_bytes"] = static_cast<double>(encoded(Format::kJson).size());
  state.counters["protobuf_bytes"] = static_cast<double>(encoded(Format::kProtobuf).size());
}

BENCHMARK_CAPTURE(decode, json, Format::kJson, false);
BENCHMARK_CAPTURE(decode, json_strict, Format::kJson, true);
BENCHMARK_CAPTURE(decode, protobuf, Format::kProtobuf, false);
BENCHMARK_CAPTURE(decode, yaml, Format::kYaml, false);
BENCHMARK_CAPTURE(encode, json, Format::kJson);
BENCHMARK_CAPTURE(encode, protobuf, Format::kProtobuf);
BENCHMARK_CAPTURE(encode, yaml, Format::kYaml);
BENCHMARK(freeze);

}  // namespace

BENCHMARK_MAIN();
