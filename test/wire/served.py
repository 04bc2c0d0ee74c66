"""An HTTP server of a test, on a free port of loopback, while the test runs.

    with Served(Handler) as served:      # a class of http.server's
        served.url
"""
import http.server
import threading


class Served:
    def __init__(self, handler):
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.02})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
