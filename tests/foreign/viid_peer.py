#!/usr/bin/env python3
"""A view library (视图库) of GA/T 1400, as small as one can be, with Python's standard library alone.

It is written from the standard's facts and shares nothing with the gateway: it proves the digest by RFC 2617 (3.2.2), looks
at each member that an object must have, at how ids are made (GA/T 1400.1, tables 3 and 4), and at the picture itself.

    viid_peer.py PORT [CERTIFICATE KEY]

It prints a line of JSON for each request. `POST /control` sets how it behaves (see BEHAVIOUR), `GET /heard` gives all that it
heard and how many bytes of bodies came; both are for tests alone, and not counted.
"""
import base64
import hashlib
import json
import re
import secrets
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REALM = "viid"
BEHAVIOUR = {
    "password": "secret",
    "username": None,       # None: the device id
    "nonceUses": 1,         # a nonce is good for so many requests; 0: each is stale when it comes back
    "register": 0,          # StatusCode of the answer to Register
    "keepalive": None,      # HTTP status of the answer to a keepalive; None: as it should be
    "forget": 0,            # so many requests from now on are of somebody it does not know (401)
    "refuse": {},           # StatusCode by a part of the object's body: {"\"Title\":\"火警\"": 6}
    "status": {},           # HTTP status by path
    "slow": 0,              # seconds before each answer to an object
    "hang": 0,              # so many objects are taken and never answered
    "tear": 0,              # after so many objects the connection breaks in the middle of the answer
    "huge": 0,              # so many answers have 3 MB
    "garbage": 0,           # so many answers are none
    "clock": 0,             # seconds that its clock is ahead
    "single": False,        # ResponseStatusObject instead of a list, with a code that is a text
}
KINDS = {
    "/VIID/Faces": ("FaceListObject", "FaceObject", "FaceID", "06"),
    "/VIID/Persons": ("PersonListObject", "PersonObject", "PersonID", "01"),
    "/VIID/MotorVehicles": ("MotorVehicleListObject", "MotorVehicleObject", "MotorVehicleID", "02"),
}
SEEN = ["InfoKind", "SourceID", "DeviceID", "LeftTopX", "LeftTopY", "RightBtmX", "RightBtmY", "SubImageList"]
JUDGED = ["IsDriver", "IsForeigner", "IsSuspectedTerrorist", "IsCriminalInvolved", "IsDetainees", "IsVictim",
          "IsSuspiciousPerson"]
MUST = {
    "/VIID/Faces": SEEN + JUDGED,
    "/VIID/Persons": SEEN + JUDGED,
    "/VIID/MotorVehicles": SEEN + ["HasPlate", "PlateClass", "PlateColor", "PlateNo", "VehicleColor"],
}
PICTURE = ["ImageID", "DeviceID", "Type", "FileFormat", "ShotTime", "Width", "Height"]
IMAGE = ["ImageID", "InfoKind", "ImageSource", "FileFormat", "ShotTime", "Title", "ContentDescription",
         "ShotPlaceFullAdress", "SecurityLevel", "Width", "Height"]

lock = threading.Lock()
nonces = {}
registered = set()
heard = []
total = {"bytes": 0}


def local_time():
    """Beijing's, which has no summer time."""
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 8 * 3600 + BEHAVIOUR["clock"]))


def take(name):
    """One of a number of times that something is to happen."""
    with lock:
        if BEHAVIOUR[name] <= 0:
            return False
        BEHAVIOUR[name] -= 1
        return True


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def proof(header, method, path, device):
    """Whether an Authorization is right: 'good', 'stale', 'bad' or 'none'."""
    if not header or not header.startswith("Digest "):
        return "none"
    said = dict(re.findall(r'(\w+)="?([^",]*)"?', header[len("Digest "):]))
    if said.get("uri") != path or said.get("realm") != REALM or said.get("qop") != "auth":
        return "bad"
    if not re.fullmatch(r"[0-9a-f]{8}", said.get("nc", "")) or not said.get("cnonce"):
        return "bad"
    user = BEHAVIOUR["username"] or device
    ha1 = md5(f"{user}:{REALM}:{BEHAVIOUR['password']}")
    ha2 = md5(f"{method}:{path}")
    wanted = md5(":".join([ha1, said["nonce"], said["nc"], said["cnonce"], "auth", ha2]))
    if said.get("username") != user or said.get("response") != wanted:
        return "bad"
    with lock:
        if nonces.get(said["nonce"], 0) <= 0:
            return "stale"
        nonces[said["nonce"]] -= 1
    return "good"


def jpeg_size(data):
    """Width and height of its frame (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 < len(data):
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2:at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5:at + 9])
            return width, height
        at += 2 + length
    return None


def look_at_picture(info, data):
    """What is wrong with a picture; None: nothing."""
    time_of = info["ShotTime"]
    if not re.fullmatch(r"\d{14}", str(time_of)):
        return "ShotTime"
    if not re.fullmatch(r"\d{20}", str(info.get("DeviceID"))):
        return "DeviceID"
    # 20 digits of who took it, 02 a picture, 14 of the time, 5 of the serial number.
    if not re.fullmatch(re.escape(info["DeviceID"]) + "02" + time_of + r"\d{5}", str(info["ImageID"])):
        return "ImageID"
    if info["FileFormat"] not in ("Jpeg", "Png"):
        return "FileFormat"
    raw = base64.b64decode(data, validate=True)
    if "FileSize" in info and info["FileSize"] != len(raw):
        return "FileSize"
    if info["FileFormat"] == "Jpeg":
        if raw[:2] != b"\xff\xd8":
            return "Data"
        if jpeg_size(raw) != (info["Width"], info["Height"]):
            return "Width"
    return None


def look_at(path, one):
    """What is wrong with an object, and its id."""
    if path == "/VIID/Images":
        info = one.get("ImageInfo", {})
        lacks = [name for name in IMAGE if name not in info]
        return info.get("ImageID", ""), (lacks or [look_at_picture(info, one.get("Data", ""))])[0]
    _, _, name, kind = KINDS[path]
    identity = one.get(name, "")
    lacks = [member for member in MUST[path] if member not in one]
    if lacks:
        return identity, lacks[0]
    # The 41 digits of the picture, 2 of what is seen, 5 of its serial number.
    if not re.fullmatch(re.escape(one["SourceID"]) + kind + r"\d{5}", identity):
        return identity, name
    if one["InfoKind"] != 1:
        return identity, "InfoKind"
    if not all(isinstance(one[member], int) for member in SEEN[3:7]):
        return identity, "LeftTopX"
    pictures = one["SubImageList"]["SubImageInfoObject"]
    for info in pictures:
        lacks = [member for member in PICTURE if member not in info]
        wrong = lacks[0] if lacks else look_at_picture(info, info.get("Data", ""))
        if wrong:
            return identity, wrong
    if one["SourceID"] not in [info["ImageID"] for info in pictures]:
        return identity, "SourceID"
    return identity, None


class Library(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def tell(self, **what):
        with lock:
            heard.append(what)
            print(json.dumps(what, ensure_ascii=False), flush=True)

    def answer(self, status, body, headers=()):
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/VIID+JSON;charset=UTF-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def status_of(self, identity, code, words):
        return {"RequestURL": self.path, "StatusCode": code, "StatusString": words, "Id": identity,
                "LocalTime": local_time()}

    def challenge(self, stale):
        nonce = secrets.token_hex(16)
        with lock:
            nonces[nonce] = BEHAVIOUR["nonceUses"]
            # Whoever comes back with a stale one gets one that is good.
            if stale:
                nonces[nonce] = max(1, nonces[nonce])
        more = ", stale=true" if stale else ""
        header = f'Digest realm="{REALM}", qop="auth", nonce="{nonce}", opaque="{secrets.token_hex(4)}"{more}'
        self.answer(401, {}, [("WWW-Authenticate", header)])

    def system(self, device, body):
        name = self.path.rsplit("/", 1)[1]
        wrapper = {"Register": "RegisterObject", "UnRegister": "UnRegisterObject", "Keepalive": "KeepaliveObject"}
        same = json.loads(body)[wrapper[name]]["DeviceID"] == device
        if not same:
            self.tell(path=self.path, wrong="DeviceID")
            return self.answer(400, {})
        if name == "Keepalive":
            if BEHAVIOUR["keepalive"] is not None:
                self.tell(path=self.path, status=BEHAVIOUR["keepalive"])
                return self.answer(BEHAVIOUR["keepalive"], {})
            known = device in registered and not take("forget")
            self.tell(path=self.path, status=200 if known else 401)
            if not known:
                return self.answer(401, {})
            return self.answer(200, {"ResponseStatusObject": self.status_of(device, 0, "正常")})
        proved = proof(self.headers.get("Authorization"), self.command, self.path, device)
        self.tell(path=self.path, proof=proved)
        if proved != "good":
            return self.challenge(proved == "stale")
        if BEHAVIOUR["register"] != 0:
            return self.answer(200, {"ResponseStatusObject": self.status_of(device, BEHAVIOUR["register"], "拒绝")})
        (registered.add if name == "Register" else registered.discard)(device)
        return self.answer(200, {"ResponseStatusObject": self.status_of(device, 0, "正常")})

    def objects(self, body):
        with lock:
            total["bytes"] += len(body)
        if self.path == "/VIID/Images":
            listed = json.loads(body)["ImageListObject"]["Image"]
        elif self.path in KINDS:
            listed = json.loads(body)[KINDS[self.path][0]][KINDS[self.path][1]]
        else:
            self.tell(path=self.path, status=404)
            return self.answer(404, {})
        refuse = [code for part, code in BEHAVIOUR["refuse"].items() if part in body.decode()]
        results = []
        for one in listed:
            identity, wrong = look_at(self.path, one)
            code = 6 if wrong else (refuse or [0])[0]
            results.append((identity, code, f"wrong: {wrong}" if wrong else "OK"))
            self.tell(path=self.path, id=identity, code=code, wrong=wrong, bytes=len(body),
                      object=json.loads(re.sub(r'"Data": ?"[^"]*"', '"Data":""', json.dumps(one))))
        time.sleep(BEHAVIOUR["slow"])
        if take("hang"):
            time.sleep(3600)
        statuses = [self.status_of(*result) for result in results]
        if BEHAVIOUR["single"]:
            answer = {"ResponseStatusObject": {**statuses[0], "StatusCode": str(statuses[0]["StatusCode"])}}
        else:
            answer = {"ResponseStatusListObject": {"ResponseStatusObject": statuses}}
        if take("tear"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{\"Response")
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
            return None
        if take("huge"):
            return self.answer(200, b'{"ResponseStatusListObject":"' + b"x" * 3_000_000 + b'"}')
        if take("garbage"):
            return self.answer(200, b"<html>\xff\xfe")
        return self.answer(BEHAVIOUR["status"].get(self.path, 200), answer)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/control":
            BEHAVIOUR.update(json.loads(body))
            if json.loads(body).get("password"):
                registered.clear()
            return self.answer(200, {})
        device = self.headers.get("User-Identify", "")
        if not re.fullmatch(r"\d{20}", device) or "json" not in self.headers.get("Content-Type", "").lower():
            self.tell(path=self.path, wrong="headers")
            return self.answer(400, {})
        if self.path.startswith("/VIID/System/"):
            return self.system(device, body)
        if device not in registered or take("forget"):
            registered.discard(device)
            self.tell(path=self.path, status=401)
            return self.answer(401, {})
        return self.objects(body)

    def do_GET(self):
        if self.path == "/heard":
            with lock:
                return self.answer(200, {"heard": heard, "bytes": total["bytes"]})
        if self.path == "/VIID/System/Time":
            return self.answer(200, {"SystemTimeObject": {"VIIDServerID": "45030000005030000001", "TimeMode": "1",
                                                          "LocalTime": local_time(), "TimeZone": "Asia/Shanghai"}})
        return self.answer(404, {})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_):
        """A peer that goes in the middle of something is expected here."""


server = Server(("127.0.0.1", int(sys.argv[1])), Library)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", file=sys.stderr, flush=True)
server.serve_forever()
