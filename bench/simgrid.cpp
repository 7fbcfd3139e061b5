// Runs messages over a fat tree in SimGrid as a fluid (CM02 without TCP's corrections) and prints when each ended.
// Build: g++ -O2 -o simgrid bench/simgrid.cpp -lsimgrid
// Run:   simgrid FILE RATE_BYTES_PER_SECOND DELAY_SECONDS TREE [quiet]
//        TREE as SimGrid takes it, e.g. 3;4,4,8;1,4,4;1,1,1
// FILE:  a line "from to bytes start_us" per message; a line "barrier" makes what follows wait for all before it.
#include <simgrid/s4u.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace sg4 = simgrid::s4u;

struct Message {
  int from;
  int to;
  double bytes;
  double start;
};

static std::vector<std::vector<Message>> rounds(1);
static std::vector<sg4::Host*> hosts;
static std::vector<double> ends;

static void drive()
{
  size_t first = 0;
  for (const auto& round : rounds) {
    std::vector<std::pair<sg4::CommPtr, size_t>> comms;
    size_t at = 0;
    for (const auto& message : round) {
      if (message.start > sg4::Engine::get_clock())
        sg4::this_actor::sleep_until(message.start);
      sg4::CommPtr comm = sg4::Comm::sendto_async(hosts[message.from], hosts[message.to], message.bytes);
      comms.emplace_back(comm, first + at++);
    }
    for (auto& [comm, index] : comms)
      comm->wait();
    for (auto& [comm, index] : comms)
      ends[index] = comm->get_finish_time();
    first += round.size();
  }
}

static std::vector<unsigned> numbers(const std::string& text)
{
  std::vector<unsigned> out;
  std::stringstream stream(text);
  std::string item;
  while (std::getline(stream, item, ','))
    out.push_back(static_cast<unsigned>(std::stoul(item)));
  return out;
}

int main(int argc, char** argv)
{
  sg4::Engine engine(&argc, argv);
  sg4::Engine::set_config("network/model:CM02");
  sg4::Engine::set_config("network/TCP-gamma:0");
  sg4::Engine::set_config("network/crosstraffic:0");
  sg4::Engine::set_config("network/weight-S:0");
  if (argc < 5) {
    std::fprintf(stderr, "usage: simgrid FILE RATE_BYTES_PER_SECOND DELAY_SECONDS TREE [quiet]\n");
    return 2;
  }
  std::ifstream file(argv[1]);
  std::string line;
  size_t count = 0;
  while (std::getline(file, line)) {
    if (line == "barrier") {
      if (!rounds.back().empty())
        rounds.emplace_back();
      continue;
    }
    Message message{};
    if (std::sscanf(line.c_str(), "%d %d %lf %lf", &message.from, &message.to, &message.bytes, &message.start) != 4) {
      std::fprintf(stderr, "not a message: %s\n", line.c_str());
      return 2;
    }
    message.start *= 1e-6;
    rounds.back().push_back(message);
    ++count;
  }
  ends.resize(count);
  const double rate = std::atof(argv[2]);
  const double delay = std::atof(argv[3]);
  std::vector<std::string> parts;
  {
    std::stringstream stream(argv[4]);
    std::string item;
    while (std::getline(stream, item, ';'))
      parts.push_back(item);
  }
  const auto levels = static_cast<unsigned>(std::stoul(parts.at(0)));
  const auto down = numbers(parts.at(1));
  const auto up = numbers(parts.at(2));
  const auto cables = numbers(parts.at(3));
  auto host = [](sg4::NetZone* zone, const std::vector<unsigned long>&, unsigned long id) {
    auto* made = zone->create_host("h" + std::to_string(id), 1e9);
    if (hosts.size() <= id)
      hosts.resize(id + 1);
    hosts[id] = made;
    return std::make_pair(made->get_netpoint(), static_cast<simgrid::kernel::routing::NetPoint*>(nullptr));
  };
  auto* zone = sg4::create_fatTree_zone("tree", nullptr, {levels, down, up, cables}, {host, {}, {}}, rate, delay,
                                        sg4::Link::SharingPolicy::SPLITDUPLEX);
  zone->seal();
  sg4::Actor::create("driver", hosts[0], drive);
  const std::clock_t begin = std::clock();
  engine.run();
  const double cpu = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  double last = 0;
  for (double end : ends)
    last = std::max(last, end);
  std::printf("messages %zu makespan_us %.9f cpu_s %.3f\n", count, last * 1e6, cpu);
  if (argc < 6)
    for (double end : ends)
      std::printf("%.9f\n", end * 1e6);
  return 0;
}
