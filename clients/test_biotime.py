"""A day with the client biotime: each of its methods, but for the report that no document has."""

import pytest
from biotime import BIOT
from biotime.exceptions import APIRequestError, AuthenticationError


@pytest.fixture
def client(server):
    return BIOT(server.url, server.username, server.password)


def test_a_wrong_password_is_refused(server):
    with pytest.raises(AuthenticationError):
        BIOT(server.url, server.username, "not-the-password")


def a_tree_is_kept(code, name, make, read, change, remove, list_all):
    """The same story for areas, departments and positions; `code` and `name` are their members' names."""
    root = make("First", "D1", None)
    below = make("Second", "D2", root["id"])
    assert read(below["id"])[code] == "D2"
    found = list_all(**{name: "Second"})
    assert [row["id"] for row in found["data"]] == [below["id"]]
    part = list_all(**{f"{name}_icontains": "seco", "ordering": "-id"})
    assert part["count"] == 1
    changed = change(below["id"], "Renamed", "D2", root["id"])
    assert (changed["id"], changed[name]) == (below["id"], "Renamed")
    with pytest.raises(APIRequestError):
        remove(root["id"])  # the other is below it
    assert remove(below["id"])["status"] is True
    assert remove(root["id"])["status"] is True
    with pytest.raises(APIRequestError):
        read(root["id"])


def test_areas(client):
    a_tree_is_kept(
        "area_code",
        "area_name",
        client.create_area,
        client.get_area,
        client.update_area,
        client.delete_area,
        client.get_all_area,
    )


def test_departments(client):
    a_tree_is_kept(
        "dept_code",
        "dept_name",
        client.create_department,
        client.get_department,
        client.update_department,
        client.delete_department,
        client.get_all_department,
    )


def test_positions(client):
    a_tree_is_kept(
        "position_code",
        "position_name",
        client.create_position,
        client.get_position,
        client.update_position,
        client.delete_position,
        client.get_all_position,
    )


def test_employees(client):
    area = client.create_area("Gate", "GATE")
    department = client.create_department("Works", "WORKS")
    made = client.create_employee(
        "C-1", department["id"], [area["id"]], hire_date="2024-02-29", first_name="Ada", gender="F"
    )
    assert made["emp_code"] == "C-1"
    read = client.get_employee(made["id"])
    assert (read["first_name"], read["department"]["dept_code"], read["area"][0]["area_code"]) == (
        "Ada",
        "WORKS",
        "GATE",
    )
    found = client.get_all_employee(department=department["id"], areas=area["id"])
    assert [row["id"] for row in found["data"]] == [made["id"]]
    client.update_employee(made["id"], "C-1", department["id"], [area["id"]], last_name="Lovelace")
    assert client.get_employee(made["id"])["last_name"] == "Lovelace"
    assert client.delete_employee(made["id"])["status"] is True
    assert client.get_all_employee(emp_code="C-1")["count"] == 0
    client.delete_area(area["id"])
    client.delete_department(department["id"])


def test_pages_add_up(client):
    first = client.get_all_employee(page=1, page_size=2)
    assert (len(first["data"]), first["previous"]) == (2, None)
    second = client.get_all_employee(page=2, page_size=2)
    assert {row["id"] for row in first["data"]}.isdisjoint(row["id"] for row in second["data"])
