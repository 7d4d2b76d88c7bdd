"""The original service, with an operation that does nothing and the README's example."""
import signal
import subprocess
import sys

from regent.service import Operation, Service


class Echo(Operation):
    def prepare(self, data):
        self.data = data

    def perform(self):
        return self.data


class WhoAmI(Operation):
    def perform(self):
        # Under Python 3 what is not decoded is no JSON.
        return subprocess.check_output("whoami").strip().decode()


socket_path, socket_secret, longest = sys.argv[1:]
# Whatever becomes of the bench, this ends.
signal.alarm(int(longest))
service = Service(socket_path=socket_path, socket_secret=socket_secret)
service.register("echo", Echo)
service.register("whoami", WhoAmI)
service.listen()
