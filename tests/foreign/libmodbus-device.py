"""A Modbus device of libmodbus (Debian: libmodbus5, which mbpoll brings): unit 1, a hundred of each kind of point.

libmodbus-device.py tcp PORT | serial PATH
Then lines: `holding ADDRESS VALUE` sets a register, `coil ADDRESS` says what a coil is. Each is answered by a line.
"""
import sys
import threading
from ctypes import CDLL, POINTER, Structure, byref, c_char, c_int, c_uint8, c_uint16, c_void_p, create_string_buffer

library = CDLL("libmodbus.so.5")


class Mapping(Structure):
    """modbus_mapping_t of modbus.h."""

    _fields_ = [(f"number{i}", c_int) for i in range(8)] + [
        ("bits", POINTER(c_uint8)),
        ("input_bits", POINTER(c_uint8)),
        ("input_registers", POINTER(c_uint16)),
        ("registers", POINTER(c_uint16)),
    ]


library.modbus_new_tcp.restype = library.modbus_new_rtu.restype = c_void_p
library.modbus_mapping_new.restype = POINTER(Mapping)
kind, where = sys.argv[1:]
mapping = library.modbus_mapping_new(100, 100, 100, 100)
listening = c_int(-1)
if kind == "tcp":
    context = c_void_p(library.modbus_new_tcp(b"127.0.0.1", int(where)))
    listening = c_int(library.modbus_tcp_listen(context, 1))
else:
    context = c_void_p(library.modbus_new_rtu(where.encode(), 9600, c_char(b"N"), 8, 1))
    library.modbus_set_slave(context, 1)
    if library.modbus_connect(context) != 0:
        sys.exit("the port cannot be opened")


def obey():
    for line in sys.stdin:
        what, address, *value = line.split()
        if what == "holding":
            mapping.contents.registers[int(address)] = int(value[0])
            print("set", flush=True)
        else:
            print(mapping.contents.bits[int(address)], flush=True)


threading.Thread(target=obey, daemon=True).start()
query = create_string_buffer(260)
while True:
    if kind == "tcp":
        library.modbus_tcp_accept(context, byref(listening))
    while True:
        received = library.modbus_receive(context, query)
        if received > 0:
            library.modbus_reply(context, query, received, mapping)
        elif received < 0 and kind == "tcp":
            break
