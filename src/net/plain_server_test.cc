#include "net/plain_server.h"

#include "net/test_world.h"
#include "net/text_response.h"

namespace tiphys::net {
namespace {

constexpr Duration kTurn = std::chrono::milliseconds(1);

Task<Response> answer(Request) { co_return text_response(200, "here"); }

Task<Result<Response>> ask(EpollLoop& loop, uint16_t port) {
  Client client(loop, {.address = "127.0.0.1:" + std::to_string(port), .http2 = false});
  Result<Response> response = co_await client.send({.method = "GET", .path = "/"}, false, {});
  co_await client.stop();
  co_return response;
}

Task<void> wait_for_the_port(EpollLoop& loop, std::vector<std::string>* told) {
  Server other(loop, nullptr, answer);
  EXPECT_TRUE(other.listen("127.0.0.1", 0));
  uint16_t port = other.port();
  auto tell = [told](const ApiStatus& why) { told->push_back(why.message()); };
  PlainServer server(loop, "test server", answer, tell, kTurn);
  server.start("127.0.0.1", port);
  EXPECT_EQ(*told, std::vector<std::string>{"listen tcp 127.0.0.1:" + std::to_string(port) +
                                            ": bind: address already in use"});
  for (int i = 0; i < 5; ++i) co_await sleep_for(loop, kTurn, {});  // other tries
  co_await other.stop(Duration::zero());
  Result<Response> got = co_await ask(loop, port);
  while (!got) got = co_await ask(loop, port);
  EXPECT_EQ(*got->body, "here");
  co_await server.stop();
}

TEST(PlainServer, TriesATakenPortAgainAndTellsOnce) {
  EpollLoop loop;
  std::vector<std::string> told;
  run_task(loop, wait_for_the_port(loop, &told));
  EXPECT_EQ(told.size(), 1u);
}

}  // namespace
}  // namespace tiphys::net
