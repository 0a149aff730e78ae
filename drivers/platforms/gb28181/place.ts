/** Where the platform is, and where we are for it. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { plainAddress } from '../../addresses.ts';
import type { Options } from './options.ts';
import type { Place } from './sip/transactions.ts';

/** @throws the system's error where the name cannot be resolved. */
export async function placeOf({ server, transport }: Options): Promise<Place> {
  const found = async () =>
    (await lookup(server.host, { family: 4 }).catch(() => lookup(server.host, { family: 6 }))).address;
  const address = isIP(server.host) > 0 ? plainAddress(server.host) : await found();
  return { transport: transport === 'tcp' ? 'TCP' : 'UDP', address, port: server.port };
}

export const familyOf = ({ address }: Place): 4 | 6 => (isIP(address) === 6 ? 6 : 4);

/** How the platform reaches us, `host:port`. @throws the system's error where there is no way to it. */
export async function sentByOf({ advertise, port }: Options, place: Place): Promise<string> {
  const { host, port: at } = advertise ?? { host: await ownAddress(place), port };
  return `${isIP(host) === 6 ? `[${host}]` : host}:${at}`;
}

/** Our address on the way to there: the system chooses it, and nothing is sent. */
export async function ownAddress({ address, port }: Pick<Place, 'address' | 'port'>): Promise<string> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    return socket.address().address;
  } finally {
    socket.close();
  }
}
