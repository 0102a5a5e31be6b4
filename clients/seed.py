"""Puts into an empty server what the clients' tests read: people, a terminal, and punches it brings as a terminal does."""

import os
import time
from datetime import datetime, timedelta

import requests

URL = os.environ["BIOTIME_URL"]
PUNCHES = 60


def main() -> None:
    login = {"username": os.environ["BIOTIME_USERNAME"], "password": os.environ["BIOTIME_PASSWORD"]}
    answer = requests.post(f"{URL}/api-token-auth/", json=login)
    answer.raise_for_status()
    caller = requests.Session()
    caller.headers["Authorization"] = f"Token {answer.json()['token']}"

    def add(path: str, **row: object) -> int:
        made = caller.post(f"{URL}{path}", json=row)
        assert made.status_code == 201, made.text
        return made.json()["id"]

    area = add("/personnel/api/areas/", area_code="gate", area_name="Gate", parent_area=1)
    sales = add("/personnel/api/departments/", dept_code="sales", dept_name="Sales", parent_dept=1)
    add("/personnel/api/departments/", dept_code="north", dept_name="Sales North", parent_dept=sales)
    lead = add("/personnel/api/positions/", position_code="lead", position_name="Lead")
    people = [
        add(
            "/personnel/api/employees/",
            emp_code=str(1000 + number),
            first_name=f"Person {number}",
            department=sales if number % 2 else 1,
            area=[1, area],
            **({"position": lead} if number == 1 else {}),
        )
        for number in range(1, 13)
    ]
    today = datetime.now().date()
    add("/personnel/api/resigns/", employee=people[-1], resign_date=str(today), resign_type=1, reason="left")
    sn = "CLIENTS0001"
    add("/iclock/api/terminals/", sn=sn, alias="Gate", ip_address="127.0.0.1", area=area)

    # Two uploads, a second apart, so that the order of arrival can be seen.
    first = datetime.now().replace(microsecond=0) - timedelta(days=3)
    for half in range(2):
        lines = []
        for number in range(half * PUNCHES // 2, (half + 1) * PUNCHES // 2):
            at = first + timedelta(minutes=37 * number)
            lines.append(f"{1001 + number % 10}\t{at:%Y-%m-%d %H:%M:%S}\t{number % 2}\t15\t0\n")
        upload = requests.post(
            f"{URL}/iclock/cdata?SN={sn}&table=ATTLOG&Stamp={half + 1}", data="".join(lines)
        )
        assert upload.text.strip() == f"OK: {PUNCHES // 2}", upload.text
        time.sleep(1.1)
    shown = caller.get(f"{URL}/iclock/api/transactions/").json()["count"]
    assert shown == PUNCHES, shown


main()
