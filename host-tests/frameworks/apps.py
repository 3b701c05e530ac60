"""Apps in Flask and Django, as their manuals show them. Each answers with the names under which its handler finds a
parameter, and says on a line of its own where it listens."""

import json
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import JsonResponse
from django.urls import re_path
from flask import Flask, jsonify, request


def names(*sources):
    """At the top, and in whatever stands there."""
    found = []
    for source in sources:
        if hasattr(source, "keys"):
            found += source.keys()
            found += [name for key in source if isinstance(source[key], dict) for name in source[key]]
    return found


in_flask = Flask("flask")


@in_flask.route("/<path:path>", methods=["POST"])
def show(path):
    return jsonify(names(request.values, request.files, request.get_json(silent=True)))


def view(request):
    body = None
    # As many apps do it.
    if "json" in (request.content_type or ""):
        try:
            body = json.loads(request.body)
        except ValueError:
            pass
    return JsonResponse(names(request.POST, request.GET, request.FILES, body), safe=False)


settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none")
urlpatterns = [re_path(".*", view)]
django.setup()


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


for name, app in ("flask", in_flask), ("django", get_wsgi_application()):
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    threading.Thread(target=server.serve_forever).start()
    print(name, server.server_port)
    sys.stdout.flush()
