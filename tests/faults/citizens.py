"""Citizens at browsers: open the form, wait, post; when the connection breaks, send the same again, as proxies do."""

import dataclasses
import hashlib
import html
import http.client
import itertools
import re
import secrets
import threading
import time
from collections import Counter
from urllib.parse import quote

PATIENCE = 180  # seconds for one objection


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What somebody was shown: from here on the objection must not be lost."""

    serial: int
    number: str
    code: str
    digest: str
    files: tuple[str, ...]


class Citizen:
    """One client with an address of its own in 127.0.0.0/8. `seen` counts what happened to it."""

    def __init__(self, port: int, reference: str, number: int = 0, pace: float = 0.0):
        self.port, self.form, self.pace = port, f"/notices/{reference}/object/", pace
        self.address, self.took = f"127.0.{1 + number // 250}.{1 + number % 250}", []
        self.seen = {"broken": 0, "resent": 0, "503": 0, "422": 0, "thanked falsely": 0, "text lost": 0, "other": []}

    def fetch(self, method: str, path: str, body: bytes | None = None, headers: dict | None = None):
        """(status, headers, text), or None when the connection broke."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self.address, 0))
        started = time.monotonic()
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read().decode()
        except (OSError, http.client.HTTPException):
            self.seen["broken"] += 1
            return None
        finally:
            self.took.append(time.monotonic() - started)
            connection.close()

    def object(self, serial: int, files: dict[str, bytes] | None = None) -> Receipt | None:
        """The receipt of one objection; None when there was none in time."""
        end = time.monotonic() + PATIENCE
        fields = said(serial) | {"token": self.open(end)}
        time.sleep(self.pace)
        body, kind = multipart(fields, files or {})
        while time.monotonic() < end:
            answer = self.fetch("POST", self.form, body, {"Content-Type": kind})
            if answer and answer[0] == 303:
                return self.receipt(serial, answer[1]["Set-Cookie"].split(";")[0], files or {}, end)
            if answer and answer[0] == 422:
                fields = self.obey(answer[2], fields)
                body, kind = multipart(fields, files or {})
            self.note(answer, fields)
            time.sleep(0.3)
            self.seen["resent"] += 1
        return None

    def open(self, end: float) -> str:
        while time.monotonic() < end:
            answer = self.fetch("GET", self.form)
            if answer and answer[0] == 200:
                return token_in(answer[2])
            time.sleep(0.3)
        return ""

    def note(self, answer, fields: dict) -> None:
        """A refusal keeps the text and says when to come again."""
        if not answer:
            return
        status, headers, page = answer
        self.seen["text lost"] += fields["content"] not in html.unescape(page)
        self.seen["thanked falsely"] += "receipt-code" in page
        if status == 503 and headers["Retry-After"]:
            self.seen["503"] += 1
        elif status != 422:
            self.seen["other"].append(status)

    def obey(self, page: str, fields: dict) -> dict:
        """Told to wait, one waits; the token of the page is the one to send."""
        self.seen["422"] += 1
        time.sleep(3.2)
        return fields | {"token": token_in(page)}

    def receipt(self, serial: int, cookie: str, files: dict, end: float) -> Receipt | None:
        while time.monotonic() < end:
            answer = self.fetch("GET", "/objections/received/", headers={"Cookie": cookie})
            if answer and answer[0] == 200 and "receipt-code" in answer[2]:
                number, code = (shown(answer[2], name) for name in ("receipt-number", "receipt-code"))
                digest = re.search(r"SHA-256：<code>(\w{64})", answer[2])
                digests = tuple(sorted(hashlib.sha256(content).hexdigest() for content in files.values()))
                return Receipt(serial, number, code, digest[1] if digest else "", digests)
            time.sleep(0.3)
        return None


def token_in(page: str) -> str:
    return html.unescape(re.search(r'name="token" value="([^"]+)"', page)[1])


def shown(page: str, element: str) -> str:
    return re.search(rf'id="{element}"[^>]*>([^<]*)<', page)[1].strip()


def said(serial: int) -> dict:
    return {
        "kind": "individual",
        "name": f"异议人{serial}",
        "phone": "0000-7654321",
        "email": f"citizen{serial}@citizens.example",
        "concerns": "notice",
        "content": f"[{serial}] 青澜河东岸的垃圾并没有清运。",
        "consent": "on",
    }


def multipart(fields: dict, files: dict[str, bytes]) -> tuple[bytes, str]:
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    parts = [f'{head}"{name}"\r\n\r\n{text}\r\n'.encode() for name, text in fields.items()]
    for name, content in files.items():
        opening = f'{head}"attachments"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(opening.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Crowd:
    """`clients` citizens who share `posts` objections, numbered from `first` on; every fifth has a file."""

    def __init__(self, world, posts: int, clients: int, pace: float = 0.0, first: int = 1):
        self.serials, self.lock, self.receipts, self.given_up = (
            iter(range(first, first + posts)),
            threading.Lock(),
            [],
            [],
        )
        self.citizens = [Citizen(world.port, world.reference, number, pace) for number in range(clients)]
        self.threads = [threading.Thread(target=self._live, args=(each,), daemon=True) for each in self.citizens]

    def _live(self, citizen: Citizen) -> None:
        while True:
            with self.lock:
                serial = next(self.serials, None)
            if serial is None:
                return
            files = {"说明.txt": f"第{serial}号附件。".encode() * 50} if serial % 5 == 0 else {}
            receipt = citizen.object(serial, files)
            (self.given_up if receipt is None else self.receipts).append(receipt or serial)

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def join(self) -> None:
        for thread in self.threads:
            thread.join()

    def seen(self) -> dict:
        """What happened to all of them."""
        everyone = [citizen.seen for citizen in self.citizens]
        return {name: sum((seen[name] for seen in everyone), start=type(everyone[0][name])()) for name in everyone[0]}


class Readers:
    """Some who read all the time, and the statuses that they got."""

    PATHS = ("/", "/notices/", "/notices/{0}/", "/notices/?q=青澜河", "/objections/track/")

    def __init__(self, world, count: int = 3):
        self.statuses, self.done = Counter(), threading.Event()
        self.paths = [quote(path.format(world.reference), safe="/?=") for path in self.PATHS]
        self.people = [Citizen(world.port, world.reference, 800 + number) for number in range(count)]
        self.threads = [threading.Thread(target=self._read, args=(each,), daemon=True) for each in self.people]

    def _read(self, citizen: Citizen) -> None:
        for path in itertools.cycle(self.paths):
            if self.done.is_set():
                return
            answer = citizen.fetch("GET", path)
            self.statuses[answer[0] if answer else "broken"] += 1
            time.sleep(0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def told(self) -> dict:
        slowest = max(took for citizen in self.people for took in citizen.took)
        return {"read": dict(self.statuses), "slowest page (s)": round(slowest, 2)}
