"""An S3 server on the loopback interface, which answers some requests with an error."""

import threading
from contextlib import contextmanager

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Failing:
    """An application in place of another, which refuses every n-th request; ``refused`` counts
    them."""

    def __init__(self, application, every):
        self._application, self._every = application, every
        self.count = self.refused = 0

    def __call__(self, environment, start):
        """Answer a request."""
        self.count += 1
        if self._every and not self.count % self._every:
            self.refused += 1
            start("503 Slow Down", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        return self._application(environment, start)


class Silent(WSGIRequestHandler):
    """A handler that writes no log."""

    def log(self, *_):
        """Write nothing."""


@contextmanager
def s3_server(every=0):
    """Run a server that refuses every n-th request; give its URL and its application."""
    failing = Failing(DomainDispatcherApplication(create_backend_app), every)
    server = make_server("127.0.0.1", 0, failing, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", failing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
