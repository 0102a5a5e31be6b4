"""The package `biotime` against a running server: every call it has for areas, departments, positions and employees."""

import os

import pytest
from biotime import BIOT
from biotime.exceptions import APIRequestError, AuthenticationError

URL = os.environ["BIOTIME_URL"]
USERNAME = os.environ["BIOTIME_USERNAME"]
PASSWORD = os.environ["BIOTIME_PASSWORD"]


@pytest.fixture(scope="module")
def client() -> BIOT:
    return BIOT(URL, USERNAME, PASSWORD)


def test_a_wrong_password_is_told_apart() -> None:
    with pytest.raises(AuthenticationError):
        BIOT(URL, USERNAME, "wrong" + PASSWORD)


def test_a_token_that_is_no_longer_good_is_renewed(client: BIOT) -> None:
    client.token = "a.b.c"
    assert client.get_all_area()["code"] == 0
    assert client.token != "a.b.c"


@pytest.mark.parametrize(
    ("thing", "code", "parent"),
    [
        ("area", "area_code", "parent_area"),
        ("department", "dept_code", "parent_dept"),
        ("position", "position_code", "parent_position"),
    ],
)
def test_what_stands_in_a_tree(client: BIOT, thing: str, code: str, parent: str) -> None:
    name = code.replace("_code", "_name")
    call = lambda what, *args, **named: getattr(client, f"{what}_{thing}")(*args, **named)
    upper = call("create", **{name: "Upper", code: "biot-1", parent: None})
    lower = call("create", **{name: "Lower", code: "biot-2", parent: upper["id"]})
    assert lower == {"id": lower["id"], code: "biot-2", name: "Lower", parent: upper["id"]}
    read = call("get", lower["id"])
    assert (read[code], read[parent]["id"], read[parent][code]) == ("biot-2", upper["id"], "biot-1")
    found = call("get_all", **{f"{code}_icontains": "BIOT-", "ordering": f"-{code}", "page_size": 1})
    assert (found["count"], [row[code] for row in found["data"]]) == (2, ["biot-2"])
    assert found["next"].startswith(URL)
    changed = call("update", lower["id"], **{name: "Lowest", code: "biot-2", parent: None})
    assert (changed[name], changed[parent]) == ("Lowest", None)
    with pytest.raises(APIRequestError, match="already exists"):
        call("create", **{name: "Again", code: "biot-1", parent: None})
    for row in (lower, upper):
        assert call("delete", row["id"])["status"] is True
    with pytest.raises(APIRequestError, match="404"):
        call("get", lower["id"])


def test_employees(client: BIOT) -> None:
    made = client.create_employee("biot-9", 1, [1], first_name="Asha", gender="F", birthday="1990-02-28")
    assert (made["emp_code"], made["department"], made["area"]) == ("biot-9", 1, [1])
    found = client.get_all_employee(first_name_icontains="ASH", department=1, areas="1")
    assert [row["id"] for row in found["data"]] == [made["id"]]
    changed = client.update_employee(made["id"], "biot-9", 1, [1], last_name="Rao")
    assert changed["last_name"] == "Rao"
    read = client.get_employee(made["id"])
    assert (read["department"]["dept_code"], read["area"][0]["area_code"]) == ("1", "1")
    assert client.delete_employee(made["id"])["status"] is True
    with pytest.raises(APIRequestError, match="404"):
        client.get_employee(made["id"])
