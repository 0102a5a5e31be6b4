"""A server on the database that `--database` names, with people, terminals and punches, for the client programs."""

import http.client
import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "clients-have-a-password"


@dataclass
class Server:
    """One that runs, with the administrator's password."""

    url: str
    database: str
    username: str = "admin"
    password: str = PASSWORD


def pytest_addoption(parser):
    parser.addoption("--database", choices=["sqlite", "postgres"], default="sqlite")


def postgres_database():
    """A database of its own on the server for tests, and how to remove it."""
    server = os.environ["TEST_POSTGRES"]
    name = f"muster_clients_{secrets.token_hex(4)}"
    psql = Path(os.environ.get("TEST_POSTGRES_BIN", ""), "psql")

    def run(statement):
        subprocess.run([psql, "--quiet", "--command", statement, server], check=True)

    run(f"CREATE DATABASE {name}")
    head, _, query = server.partition("?")
    url = head.rsplit("/", 1)[0] + "/" + name + (f"?{query}" if query else "")
    return url, lambda: run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def server(request, tmp_path_factory):
    muster = os.environ["TEST_MUSTER"]
    database = request.config.getoption("database")
    data = tmp_path_factory.mktemp(database)
    command = [muster, "serve", "--data-dir", str(data / "data"), "--listen", "127.0.0.1:0"]
    remove = None
    if database == "postgres":
        url, remove = postgres_database()
        command += ["--database-url", url]
    settings = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")},
        "MUSTER_ADMIN_PASSWORD": PASSWORD,
        "MUSTER_TERMINALS__ADMISSION": "open",
        "MUSTER_TERMINALS__NEW_PER_MINUTE_PER_ADDRESS": "1000",
    }
    log = open(data / "log", "w")
    process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        address = next(
            line.split("listening on ")[1].strip() for line in process.stdout if "listening on " in line
        )
        token = post(address, "/api-token-auth/", {"username": "admin", "password": PASSWORD})["token"]
        fill(muster, address, token)
        yield Server(address, database)
    finally:
        process.terminate()
        process.wait(30)
        if remove:
            remove()
    assert process.returncode == 0, "the server stops cleanly"
    errors = [line for line in (data / "log").read_text().splitlines() if " ERROR " in line or "panicked" in line]
    assert errors == [], "nothing went wrong inside"


def post(address, path, body, token=None):
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Token {token}"
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status in (200, 201), text
    return json.loads(text)


def fill(muster, address, token):
    """Terminals that bring punches, and the people who made them."""
    subprocess.run(
        [muster, "simulate", "--server", address, "--terminals", "3", "--rate", "600", "--speed", "0"]
        + ["--duration", "1200", "--faultless"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    connection.request(
        "GET", "/iclock/api/unregister/?page_size=1000", headers={"Authorization": f"Token {token}"}
    )
    punches = json.loads(connection.getresponse().read())["data"]
    for code in sorted({punch["crc"] for punch in punches}):
        person = {"emp_code": code, "first_name": f"Person {code}", "department": 1, "area": [1]}
        post(address, "/personnel/api/employees/", person, token)
