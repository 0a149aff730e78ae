"""Renders templates as Home Assistant does, with Jinja2 (Debian: python3-jinja2), which its template engine stands on.

Reads lines of JSON, {"template": ..., "payload": ..., "variables": {...}}, and answers each with the text as JSON.
"""
import json
import sys
from datetime import datetime, timedelta, timezone

from jinja2.sandbox import ImmutableSandboxedEnvironment

environment = ImmutableSandboxedEnvironment()
# Functions that its documentation names.
environment.globals.update(utcnow=lambda: datetime.now(timezone.utc), timedelta=timedelta)
for line in sys.stdin:
    asked = json.loads(line)
    variables = asked.get("variables", {})
    if "payload" in asked:
        variables |= {"value": asked["payload"], "value_json": json.loads(asked["payload"])}
    print(json.dumps(environment.from_string(asked["template"]).render(**variables)), flush=True)
