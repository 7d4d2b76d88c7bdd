"""Times the unchanged client against both services, turn by turn. Prints microseconds as JSON."""
import json
import sys
import time

from regent.client import Client

secret, op, count, *sockets = sys.argv[1:]
times = [[] for _ in sockets]
for turn in range(int(count) + 20):
    for number, path in enumerate(sockets):
        client = Client(socket_path=path, socket_secret=secret)
        begin = time.perf_counter()
        reply = client.request(op, {"n": turn})
        took = time.perf_counter() - begin
        assert reply.get("success"), reply
        if turn >= 20:
            times[number].append(took * 1e6)
print(json.dumps(times))
