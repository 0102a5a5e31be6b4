"""schemathesis reads the API's own document and sends what it allows, and what it does not."""

import subprocess
import sys
from pathlib import Path

# What an answer has to be: no error of the server, and just as the document has it.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_the_document_tells_the_truth(server):
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [program, "run", f"{server.url}/api/openapi.json", "--header", f"Authorization: Token {server.token}"]
        + ["--checks", CHECKS, "--max-examples", "8", "--seed", "7", "--no-color", "--continue-on-failure"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20000:]
