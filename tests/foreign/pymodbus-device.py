"""A Modbus device of pymodbus (Debian: python3-pymodbus): unit 1, a hundred of each kind of point.

pymodbus-device.py tcp PORT | rtu-over-tcp PORT | serial PATH
Then lines: `holding ADDRESS VALUE` sets a register, `float ADDRESS VALUE big|little` two of them (which word comes first),
`coil ADDRESS` says what a coil is. Each is answered by a line.
"""
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.constants import Endian
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.payload import BinaryPayloadBuilder
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

COILS, HOLDING = 1, 3
kind, where = sys.argv[1:]
points = {name: ModbusSequentialDataBlock(0, [0] * 100) for name in ("di", "co", "hr", "ir")}
unit = ModbusSlaveContext(**points, zero_mode=True)
context = ModbusServerContext(slaves={1: unit}, single=False)


def obey():
    for line in sys.stdin:
        what, address, *value = line.split()
        if what == "holding":
            unit.setValues(HOLDING, int(address), [int(value[0])])
            print("set", flush=True)
        elif what == "float":
            order = Endian.Big if value[1] == "big" else Endian.Little
            builder = BinaryPayloadBuilder(byteorder=Endian.Big, wordorder=order)
            builder.add_32bit_float(float(value[0]))
            unit.setValues(HOLDING, int(address), builder.to_registers())
            print("set", flush=True)
        else:
            print(int(unit.getValues(COILS, int(address), 1)[0]), flush=True)


threading.Thread(target=obey, daemon=True).start()
identity = ModbusDeviceIdentification(
    info_name={"VendorName": "Nobody", "ProductCode": "F-2", "MajorMinorRevision": "1.4"}
)
if kind == "serial":
    StartSerialServer(context=context, identity=identity, port=where, framer=ModbusRtuFramer, baudrate=9600, timeout=0.01)
else:
    framer = {"framer": ModbusRtuFramer} if kind == "rtu-over-tcp" else {}
    StartTcpServer(context=context, identity=identity, address=("127.0.0.1", int(where)), **framer)
