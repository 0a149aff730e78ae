import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { textIn } from '../../simulators/camera/soap.ts';
import { startCamera } from '../../simulators/camera.ts';
import { freePort } from '../helpers.ts';

describe('a question to a simulated camera', () => {
  it('is read whatever its prefixes and attributes', () => {
    expect(textIn('<a><tev:Timeout xmlns="u">PT5S</tev:Timeout></a>', 'Timeout')).toBe('PT5S');
    expect(textIn('<InitialTimeout>1</InitialTimeout><Timeout>2</Timeout>', 'Timeout')).toBe('2');
    expect(textIn('<Timeout/>', 'Timeout')).toBeUndefined();
  });

  it('that has no end is not waited for', async () => {
    const [port, rtspPort] = await Promise.all([freePort(), freePort()]);
    const camera = await startCamera({ port, rtspPort });
    onTestFinished(() => camera.close());
    for (const [to, head] of [
      [port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n'],
      [rtspPort, 'DESCRIBE rtsp://x RTSP/1.0\r\n'],
    ] as const) {
      const socket = connect(to, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(head);
      const pour = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(10_000, 'x')));
      };
      socket.on('drain', pour);
      pour();
      await expect.poll(() => socket.destroyed).toBe(true);
    }
  });
});
