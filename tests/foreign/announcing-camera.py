"""Cameras that announce themselves, by python-zeroconf (Debian: python3-zeroconf), on the loopback.

announcing-camera.py PORT: one speaks ONVIF at PORT, one has a stream alone. Says `ready`, and goes with its input.
"""
import socket
import sys

from zeroconf import ServiceInfo, Zeroconf


def service(kind, name, address, port):
    return ServiceInfo(
        f"{kind}._tcp.local.",
        f"{name}.{kind}._tcp.local.",
        addresses=[socket.inet_aton(address)],
        port=port,
        server=f"{name.lower()}.local.",
    )


zeroconf = Zeroconf(interfaces=["127.0.0.1"])
zeroconf.register_service(service("_onvif", "Gate", "127.0.0.1", int(sys.argv[1])))
zeroconf.register_service(service("_rtsp", "Gate", "127.0.0.1", 554))
zeroconf.register_service(service("_rtsp", "Hall", "127.0.0.9", 554))
for line in sys.stdin:
    print("ready", flush=True)
zeroconf.close()
