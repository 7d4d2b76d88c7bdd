"""Times the unchanged client against the services, turn by turn. Prints microseconds as JSON, a list a service."""
import json
import signal
import sys
import time

from regent.client import Client

secret, op, count, warm_up, within, *sockets = sys.argv[1:]
signal.alarm(int(within))
times = [[] for _ in sockets]
for turn in range(int(count) + int(warm_up)):
    for number, path in enumerate(sockets):
        client = Client(socket_path=path, socket_secret=secret)
        begin = time.perf_counter()
        reply = client.request(op, {"n": turn})
        took = time.perf_counter() - begin
        if not reply.get("success"):
            sys.exit("{}: {}".format(path, reply))
        if turn >= int(warm_up):
            times[number].append(took * 1e6)
print(json.dumps(times))
