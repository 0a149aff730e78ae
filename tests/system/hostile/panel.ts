/** A panel that is not ours: frames of SIA DC-09 written from the standard (5.5, 5.5.1.1: CRC-16/ARC), over TCP. */
import { connect } from 'node:net';

/** CRC-16/ARC of the message body; its check value over "123456789" is BB3D. */
function crc(bytes: Buffer): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >> 1) ^ 0xa001 : value >> 1;
  }
  return value;
}

/** A message of SIA-DCS of an account, framed. */
export function frame(account: string, sequence: number, data: string): Buffer {
  const body = Buffer.from(`"SIA-DCS"${String(sequence).padStart(4, '0')}L0#${account}[#${account}|${data}]`);
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0');
  return Buffer.concat([
    Buffer.from(`\n${hex(crc(body), 4)}0${hex(body.length, 3)}`),
    body,
    Buffer.from('\r'),
  ]);
}

/**
 * Reports a panic alarm of a zone over a connection of its own; resolves when it is acknowledged, and not before.
 * @throws Error where it is refused, or the connection ends.
 */
export async function press(port: number, sequence: number, zone: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  try {
    socket.write(frame('1234', sequence, `Nri1/PA${zone}`));
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('data', (chunk) => resolve(chunk.toString('latin1')));
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the connection ended without an answer')));
    });
    if (!answer.includes(`"ACK"${String(sequence).padStart(4, '0')}`))
      throw new Error(`not acknowledged: ${JSON.stringify(answer)}`);
  } finally {
    socket.destroy();
  }
}
