/** The registry: the only file that names every driver and every platform protocol. */
import type { Driver } from './contract/driver.ts';
import type { Transport } from './contract/transport.ts';
import { dc09 } from './dc09/driver.ts';
import { httpPush } from './http-push/driver.ts';
import { modbus } from './modbus/driver.ts';
import { onvif } from './onvif/driver.ts';
import { osdp } from './osdp/driver.ts';
import { gat1400 } from './platforms/gat1400/transport.ts';
import { gb28181 } from './platforms/gb28181/transport.ts';
import { mqtt } from './platforms/mqtt/transport.ts';
import { receiver } from './receiver/driver.ts';
import { serialLine } from './serial-line/driver.ts';
import { wiegand } from './wiegand/driver.ts';

export const drivers = [
  dc09,
  receiver,
  modbus,
  osdp,
  wiegand,
  serialLine,
  httpPush,
  onvif,
] satisfies readonly Driver[];

/** The first is the default. */
export const platforms = [mqtt, gb28181, gat1400] satisfies readonly Transport[];
