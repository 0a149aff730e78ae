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

/**
 * Reports a panic alarm of a zone over a connection of its own; resolves when it is acknowledged, and not before.
 * @throws Error where it is refused, or the connection ends.
 */
export async function press(port: number, sequence: number, zone: number): Promise<void> {
  const body = Buffer.from(`"SIA-DCS"${String(sequence).padStart(4, '0')}L0#1234[#1234|Nri1/PA${zone}]`);
  const head = `\n${crc(body).toString(16).toUpperCase().padStart(4, '0')}0${body.length.toString(16).toUpperCase().padStart(3, '0')}`;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  try {
    socket.write(Buffer.concat([Buffer.from(head), body, Buffer.from('\r')]));
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
