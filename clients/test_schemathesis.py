"""schemathesis reads the API's own document and sends what it allows, and what it does not."""

import subprocess
import sys
from pathlib import Path

from conftest import post

# What an answer has to be: no error of the server, and just as the document has it.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"

# The login door decides which of the two dialects a token speaks: one on each database.
DOORS = {"sqlite": "/api-token-auth/", "postgres": "/api/api-token-auth/"}


def test_the_document_tells_the_truth(server):
    token = post(server.url, DOORS[server.database], {"username": server.username, "password": server.password})["token"]
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "run", f"{server.url}/api/openapi.json", "--header", f"Authorization: Token {token}"]
        + ["--checks", CHECKS, "--max-examples", "4", "--seed", "7", "--no-color", "--continue-on-failure"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20000:]
