// Exchange: one request being answered by the handler, in either protocol of the server.
//
// Shared by its connection and by the task that runs the handler: the connection may go away first
// (detach), and the task then drops what the handler answers. Loop thread only.
#pragma once
#include <memory>
#include <optional>

#include "async/loop.h"
#include "net/http.h"

namespace tiphys::net {

struct ServerCore;
class Exchange;

// The side of a connection that takes the answer. Every call may end the exchange's connection.
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  // exchange.response is set (a stream's chunks follow).
  virtual void respond(Exchange& exchange) = 0;
  // exchange.chunk holds a new chunk; set exchange.drained when it is passed on.
  virtual void chunk_ready(Exchange& exchange) = 0;
  // The stream ended; `failed`: broke off.
  virtual void stream_ended(Exchange& exchange, bool failed) = 0;
  // The task is at its end: forget it.
  virtual void finished(Exchange& exchange) = 0;
};

class Exchange {
 public:
  Exchange(Loop& loop, ResponseSink* to) : sink(to), drained(loop) {}
  virtual ~Exchange() = default;

  ResponseSink* sink;     // null once the connection or stream is gone
  bool bodiless = false;  // HEAD
  Request request;
  Response response;
  StopSource gone;
  Bytes chunk;        // being sent
  size_t offset = 0;  // in chunk
  bool running = false;
  bool streaming = false;
  Event drained;

  // The client is gone: the handler is told, its answer goes nowhere.
  void detach();
};

// Runs the handler and hands its answer over. Started in core.gate.
Task<void> run_exchange(ServerCore& core, std::shared_ptr<Exchange> exchange);

}  // namespace tiphys::net
