"""The original service, with an operation that does nothing and the README's example."""
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
        return subprocess.check_output("whoami").strip().decode()


service = Service(socket_path=sys.argv[1], socket_secret=sys.argv[2])
service.register("echo", Echo)
service.register("whoami", WhoAmI)
service.listen()
